"""From the lines of an operator to a node that carries traffic, or to one sentence about what is wrong with them."""

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from actors.agents import agent_client, authority_of
from actors.nodes import NodeEntry, agent_of, is_ours, listen_of, node_folder, node_of, private_of
from actors.settings import configuration_of
from integrations.xray.link import parse_link, share_link
from integrations.xray.node import NodeUser, server_config
from integrations.xray.probe import ProbeResult, probe
from integrations.xray.process import open_xray
from integrations.xray.transport import Reality, Tls
from runtime import ConfigError
from tests.fixtures.xray import SITE, free_port, open_site, open_tls_site, write_certificate
from tests.integrations.xray.test_transports import USER

SHOP = """
[shop]
name = "Test VPN"
currency = "RUB"

[[plans]]
id = "month"
title = "1 month"
duration = "30d"
price = "199.00 RUB"
stars = 150

[[nodes]]
name = "one"
"""
HOST = 'host = "vpn.example.com"\nport = 443\n'
KEYS = 'reality = { server_name = "www.example.com" }\n'


def entry_of(lines: str) -> NodeEntry:
    """The `[[nodes]]` entry with these lines, as a shop's file is read."""
    [entry] = configuration_of(tomllib.loads(SHOP + lines), "test.toml").settings.nodes
    return entry


@pytest.mark.parametrize(
    "lines",
    [
        'reality = {{ server_name = "{site}", target = "127.0.0.1:{target}" }}',
        'reality = {{ server_name = "{site}", target = "127.0.0.1:{target}" }}\ngrpc = {{ service_name = "x" }}',
        'tls = {{ server_name = "{site}", certificate = "{certificate}", key = "{key}" }}',
        'tls = {{ server_name = "{site}", certificate = "{certificate}", key = "{key}" }}\n'
        'websocket = {{ path = "/secret" }}',
        'tls = {{ server_name = "{site}", certificate = "{certificate}", key = "{key}" }}\n'
        'xhttp = {{ path = "/secret", mode = "packet-up" }}',
    ],
    ids=["reality", "reality-grpc", "tls", "tls-websocket", "tls-xhttp"],
)
async def test_what_an_operator_writes_becomes_a_node_whose_link_passes_traffic(
    lines: str, tmp_path: Path
) -> None:
    files = write_certificate(tmp_path)
    async with open_tls_site() as target, open_site() as url:
        text = lines.format(site=SITE, target=target, certificate=files.certificate, key=files.key)
        entry = entry_of(f'host = "127.0.0.1"\nport = {free_port()}\nlisten = "127.0.0.1"\n{text}\n')
        node = node_of(entry, tmp_path, "0123456789abcdef")
        listen, port = listen_of(entry)
        config = server_config(
            node,
            private_of(entry, tmp_path),
            users=[NodeUser("s1", USER, node.flow)],
            listen=listen,
            listen_port=port,
            allow_private_targets=True,
        )
        async with open_xray(config, name=node.name, folder=node_folder(tmp_path, node.name)):
            result = await probe(share_link(node, USER), url)
            assert isinstance(result, ProbeResult), result


def test_the_keys_of_a_node_stay_the_same_and_those_of_another_s_node_are_the_operator_s(
    tmp_path: Path,
) -> None:
    ours = entry_of(HOST + KEYS)
    first = node_of(ours, tmp_path, "00" * 8)
    assert node_of(ours, tmp_path, "11" * 8) == first
    theirs = entry_of(
        HOST + 'api = "/run/x.sock"\n'
        'reality = { server_name = "a.example", public_key = "THEIRS", short_id = "0f" }\n'
    )
    assert node_of(theirs, tmp_path, "22" * 8).security == Reality("a.example", "THEIRS", "0f")


@pytest.mark.parametrize(
    ("api", "address"),
    [
        ("agent://198.51.100.7:8443", ("198.51.100.7", 8443)),
        ("agent://far.example.com:1", ("far.example.com", 1)),
        ("agent://[2001:db8::1]:8443", ("2001:db8::1", 8443)),
        ("/run/agent.sock", None),
    ],
)
def test_a_node_is_elsewhere_if_it_has_an_agent(api: str, address: tuple[str, int] | None) -> None:
    entry = entry_of(HOST + f'api = "{api}"\nreality = {{ server_name = "a.example", public_key = "K" }}\n')
    assert agent_of(entry) == address
    assert is_ours(entry) == (address is not None)


def test_the_keys_of_a_node_with_an_agent_are_made_here(tmp_path: Path) -> None:
    entry = entry_of(HOST + KEYS + 'api = "agent://198.51.100.7:8443"\n')
    node = node_of(entry, tmp_path, "00" * 8)
    assert isinstance(node.security, Reality)
    assert node.security.public_key
    assert node_of(entry, tmp_path, "11" * 8) == node
    assert server_config(node, private_of(entry, tmp_path))["inbounds"]


def test_a_node_that_was_never_enrolled_is_one_sentence_with_what_to_do(tmp_path: Path) -> None:
    entry = entry_of(HOST + KEYS + 'api = "agent://198.51.100.7:8443"\n')
    with pytest.raises(
        ConfigError, match=r"nodes\.one\.api: the node is not enrolled; run `\./run node enrol one`"
    ):
        agent_client(entry, tmp_path)
    authority_of(tmp_path).enrol("one", datetime.now(UTC))
    assert agent_client(entry, tmp_path) is not None


def test_a_proxy_in_front_has_the_certificate_and_the_node_a_port_of_its_own(tmp_path: Path) -> None:
    entry = entry_of(
        HOST + 'listen = "[::1]:8443"\ntls = { server_name = "cdn.example" }\nwebsocket = { path = "/s" }\n'
    )
    node = node_of(entry, tmp_path, "00" * 8)
    link = parse_link(share_link(node, USER))
    assert (link.host, link.port, link.security) == ("vpn.example.com", 443, Tls("cdn.example"))
    assert listen_of(entry) == ("::1", 8443)
    config = server_config(node, private_of(entry, tmp_path), listen="::1", listen_port=8443)
    [inbound] = cast(list[dict[str, object]], config["inbounds"])
    assert (inbound["listen"], inbound["port"]) == ("::1", 8443)
    assert inbound["streamSettings"] == {"network": "ws", "wsSettings": {"path": "/s"}}


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ("", "host: apps refuse vpn.example.com without protection, expected reality or tls"),
        (KEYS + 'tls = { server_name = "a" }\n', "tls: found beside reality, expected one of them"),
        (KEYS + 'grpc = { service_name = "x" }\nxhttp = { path = "/" }\n', "expected at most one of them"),
        (KEYS + 'websocket = { path = "/" }\n', "transport: REALITY cannot carry WebSocket"),
        (KEYS + 'xhttp = { path = "x" }\n', "transport: path 'x' is not like"),
        (KEYS + 'listen = "somewhere"\n', "listen: found 'somewhere', expected an address"),
        (KEYS + 'listen = "127.0.0.1:0"\n', "listen: found '127.0.0.1:0', expected an address"),
        (KEYS + 'api = "/run/x.sock"\n', "reality.public_key: missing"),
        (KEYS + 'api = "agent://far"\n', "api: found 'agent://far', expected an agent such as 'agent://198."),
        (KEYS + 'api = "agent://far:0"\n', "api: found 'agent://far:0', expected an agent"),
        ('tls = { server_name = "" }\nlisten = "127.0.0.1:1"\n', "need a server_name"),
        ('tls = { server_name = "a" }\n', "tls: expected certificate and key, or a port in listen"),
        ('tls = { server_name = "a", key = "/k" }\n', "expected both or neither"),
        (
            KEYS + 'xhttp = { path = "/", mode = "fast" }\n',
            "nodes[0].xhttp.mode: invalid enum value 'fast'",
        ),
        (KEYS + 'grcp = { service_name = "x" }\n', "nodes[0].grcp: unknown key, did you mean 'grpc'?"),
    ],
)
def test_a_mistake_is_one_sentence_that_names_the_node_and_the_key(lines: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        entry_of(HOST + lines)
    assert str(caught.value).startswith("test.toml: nodes")
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_certificate_of_no_use_is_named_before_a_customer_meets_it(tmp_path: Path) -> None:
    entry = entry_of(HOST + f'tls = {{ server_name = "{SITE}", certificate = "/no/c", key = "/no/k" }}\n')
    with pytest.raises(ConfigError, match=r"nodes.one.tls: cannot read /no/c or /no/k: No such file"):
        node_of(entry, tmp_path, "00" * 8)
