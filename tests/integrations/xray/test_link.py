"""Share links survive the way to a client app and back, and broken ones are named, not guessed at."""

from pathlib import Path
from typing import cast
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.xray.link import BadLink, ParsedLink, client_config, parse_link, share_link
from integrations.xray.node import VISION, Node, Reality

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
realities = st.none() | st.builds(Reality, filled, filled, words, filled)


@given(hosts, st.integers(1, 65535), st.uuids(), realities, st.booleans(), words)
def test_a_link_reads_back_as_what_was_written(
    host: str, port: int, uuid: UUID, reality: Reality | None, vision: bool, label: str
) -> None:
    flow = VISION if vision and reality else ""
    node = Node(name="n", host=host, port=port, api_socket=Path("/s"), flow=flow, reality=reality)
    assert parse_link(share_link(node, uuid, label)) == ParsedLink(uuid, host, port, flow, reality, label)


@given(realities, words)
def test_no_key_is_empty_and_no_separator_is_raw(reality: Reality | None, label: str) -> None:
    """Each breaks a client app that people use."""
    node = Node(name="n", host="h", port=1, api_socket=Path("/s"), reality=reality)
    split = urlsplit(share_link(node, UUID(UUID_TEXT), label))
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
    assert parse_link(link) == ParsedLink(UUID(UUID_TEXT), "vpn.example.com", 443)


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
        (PLAIN.replace("type=tcp", "type=ws"), "type='ws' is not supported"),
        (PLAIN.replace("security=none", "security=tls"), "security='tls' is not supported"),
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
