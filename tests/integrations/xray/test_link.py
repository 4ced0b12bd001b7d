"""Share links survive the way to a client app and back, and broken ones are named, not guessed at."""

from pathlib import Path
from typing import cast
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.xray.link import BadLink, parse_link, share_link, write_link
from integrations.xray.node import Node
from integrations.xray.profile import Profile, client_config
from integrations.xray.transport import (
    RAW,
    VISION,
    Grpc,
    Raw,
    Reality,
    Security,
    Tls,
    Transport,
    WebSocket,
    Xhttp,
    contradiction,
)

UUID_TEXT = "6f9619ff-8b86-4011-b42d-00c04fc964ff"
PLAIN = f"vless://{UUID_TEXT}@vpn.example.com:443?encryption=none&type=tcp&security=none"
HIDDEN = PLAIN.replace("security=none", "security=reality") + "&sni=a.example&pbk=KEY"

# Anything that a person or a key generator may put into a value, but the surrogates that UTF-8 cannot hold.
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
filled = words.filter(bool)
hosts = st.one_of(
    st.sampled_from(["vpn.example.com", "203.0.113.7", "xn--e1afmkfd.xn--p1ai", "a_b.example"]),
    st.ip_addresses(v=6).map(str),
)
short_ids = st.binary(max_size=8).map(bytes.hex)
pins = st.just("") | st.binary(min_size=32, max_size=32).map(bytes.hex)
paths = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"], exclude_characters="#")).map(
    "/".__add__
)
transports = st.one_of(
    st.just(RAW),
    st.builds(WebSocket, paths, words),
    st.builds(Grpc, st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/"), min_size=1)),
    st.builds(Xhttp, paths, words, st.sampled_from(["auto", "packet-up", "stream-up", "stream-one"])),
)
securities = st.one_of(
    st.none(), st.builds(Tls, filled, filled, pins), st.builds(Reality, filled, filled, short_ids, filled)
)
profiles = st.builds(
    Profile,
    st.uuids(),
    hosts,
    st.integers(1, 65535),
    transports,
    securities,
    st.sampled_from(["", VISION]),
    words,
).filter(lambda each: contradiction(each.transport, each.security, each.flow) is None)


@given(profiles)
def test_a_link_reads_back_as_what_was_written(profile: Profile) -> None:
    assert parse_link(write_link(profile)) == profile


@given(profiles)
def test_no_key_is_empty_and_no_separator_is_raw(profile: Profile) -> None:
    """Each breaks a client app that people use."""
    split = urlsplit(write_link(profile))
    for pair in split.query.split("&"):
        key, value = pair.split("=")
        assert key
        assert value
        assert value.isascii()
    assert split.fragment.isascii()


def test_a_host_name_in_any_script_is_written_for_client_apps() -> None:
    node = Node(name="n", host="пример.рф", port=443, api_socket=Path("/s"))
    assert "@xn--e1afmkfd.xn--p1ai:443?" in share_link(node, UUID(UUID_TEXT))


def test_the_label_is_the_node_s_own_unless_given() -> None:
    node = Node(name="n", host="h", port=443, api_socket=Path("/s"), label="Нода 1")
    assert parse_link(share_link(node, UUID(UUID_TEXT))).label == "Нода 1"
    assert parse_link(share_link(node, UUID(UUID_TEXT), "mine")).label == "mine"
    assert "#" not in share_link(node, UUID(UUID_TEXT), "")


@pytest.mark.parametrize(
    "link",
    [
        PLAIN,
        f"  {PLAIN}\n",
        PLAIN.replace("vless", "VLESS"),
        PLAIN.replace(":443?", ":443/?"),
        PLAIN.replace("type=tcp", "type=raw"),
        PLAIN + "&headerType=none&unknown",
        f"vless://{UUID_TEXT}@vpn.example.com:443",
    ],
)
def test_links_of_other_programs_are_read(link: str) -> None:
    assert parse_link(link) == Profile(UUID(UUID_TEXT), "vpn.example.com", 443)


@pytest.mark.parametrize(
    ("query", "transport", "security"),
    [
        ("type=ws&security=tls", WebSocket("/"), Tls("vpn.example.com")),
        ("type=ws&path=%2Fa%3Fed%3D2048&host=cdn.example", WebSocket("/a?ed=2048", "cdn.example"), None),
        (
            "type=grpc&serviceName=x&security=tls&sni=a.example&fp=firefox",
            Grpc("x"),
            Tls("a.example", "firefox"),
        ),
        ("type=xhttp&path=%2Fp", Xhttp("/p"), None),
        ("type=tcp&headerType=none&security=tls&sni=a.example&alpn=h2", Raw(), Tls("a.example")),
    ],
)
def test_what_is_missing_in_a_link_is_what_client_apps_take_it_for(
    query: str, transport: Transport, security: Security
) -> None:
    profile = parse_link(f"vless://{UUID_TEXT}@vpn.example.com:443?{query}")
    assert (profile.transport, profile.security) == (transport, security)


@pytest.mark.parametrize(
    ("link", "what_is_wrong"),
    [
        ("", "not a VLESS link"),
        ("https://example.com/", "not a VLESS link"),
        (PLAIN.replace("vless", "vmess"), "not a VLESS link"),
        (PLAIN.replace(UUID_TEXT, "me"), "no valid UUID"),
        (PLAIN.replace(f"{UUID_TEXT}@", ""), "no valid UUID"),
        (PLAIN.replace(":443", ""), "no address"),
        (PLAIN.replace(":443", ":0"), "no address"),
        (PLAIN.replace(":443", ":65536"), "no address"),
        (PLAIN.replace("vpn.example.com", "2001:db8::1"), "no address"),
        (PLAIN.replace("type=tcp", "type=kcp"), "type='kcp' is not supported"),
        (PLAIN.replace("security=none", "security=xtls"), "security='xtls' is not supported"),
        (PLAIN.replace("type=tcp", "type=grpc"), "has no serviceName"),
        (PLAIN.replace("type=tcp", "type=grpc&serviceName=x&mode=multi"), "mode='multi' is not supported"),
        (PLAIN.replace("type=tcp", "type=xhttp&mode=fast"), "mode='fast' is not supported"),
        (PLAIN.replace("type=tcp", "type=ws&path=secret"), "path 'secret' is not like"),
        (PLAIN + "&headerType=http", "headerType='http' is not supported"),
        (PLAIN + f"&flow={VISION}", "contradicts itself: flow"),
        (HIDDEN + "&sid=xyz", "short_id 'xyz' is not"),
        (HIDDEN.replace("type=tcp", "type=ws"), "REALITY cannot carry WebSocket"),
        (PLAIN.replace("encryption=none", "encryption=mlkem"), "encryption='mlkem' is not supported"),
        (PLAIN + "&flow=nonsense", "flow='nonsense' is not supported"),
        (HIDDEN.replace("&pbk=KEY", ""), "has no pbk"),
        (HIDDEN.replace("&sni=a.example", "&sni="), "has no sni"),
    ],
)
def test_a_broken_link_is_named_in_one_sentence(link: str, what_is_wrong: str) -> None:
    with pytest.raises(BadLink, match=what_is_wrong) as caught:
        parse_link(link)
    assert "\n" not in str(caught.value)
    assert UUID_TEXT not in str(caught.value)


@given(st.text(max_size=200) | st.text(max_size=100).map(PLAIN.__add__))
def test_any_text_is_a_link_or_a_bad_link(text: str) -> None:
    try:
        parse_link(text)
    except BadLink:
        return


def test_a_credential_is_not_in_a_repr() -> None:
    assert UUID_TEXT not in repr(parse_link(PLAIN))


def test_the_client_speaks_to_its_own_machine_only() -> None:
    (inbound,) = cast(list[dict[str, object]], client_config(parse_link(HIDDEN), 10808)["inbounds"])
    assert (inbound["listen"], inbound["port"]) == ("127.0.0.1", 10808)
