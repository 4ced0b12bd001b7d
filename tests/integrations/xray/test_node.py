"""What may be said of a node, and what must never leave it."""

import json
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from integrations.xray.link import parse_link, share_link
from integrations.xray.node import BadNode, BadUser, Node, NodeUser, server_config
from integrations.xray.profile import client_config
from integrations.xray.stream import RealityPrivate, TlsFiles, reality_keys
from integrations.xray.transport import VISION, Grpc, Reality, Tls, WebSocket, Xhttp

ONE = UUID("6f9619ff-8b86-4011-b42d-00c04fc964ff")
#: Differs from ONE in bytes 6 and 7 only.
LOOK_ALIKE = UUID("6f9619ff-8b86-7777-b42d-00c04fc964ff")
OTHER = UUID("7f9619ff-8b86-4011-b42d-00c04fc964ff")

TLS = Tls("www.example.test")

PLAIN = Node(name="n", host="192.0.2.1", port=443, api_socket=Path("/run/n.sock"))


def hidden() -> tuple[Node, RealityPrivate]:
    keys = reality_keys()
    node = replace(PLAIN, flow=VISION, security=Reality("www.example.test", keys.public, "00ff"))
    return node, RealityPrivate(keys.private, "www.example.test:443")


def test_private_values_are_in_the_server_s_configuration_only() -> None:
    node, private = hidden()
    assert private.private_key in json.dumps(server_config(node, private))
    link = share_link(node, ONE)
    elsewhere = [repr(node), repr(private), link, json.dumps(client_config(parse_link(link), 1))]
    assert not [text for text in elsewhere if private.private_key in text]
    assert private.target not in link


def test_a_key_pair_does_not_show_its_private_half() -> None:
    keys = reality_keys()
    assert keys.public in repr(keys)
    assert keys.private not in repr(keys)
    assert keys != reality_keys()


def test_a_credential_is_not_in_a_repr() -> None:
    assert str(ONE) not in repr(NodeUser("s1.1", ONE))


@pytest.mark.parametrize(
    ("change", "what_is_wrong"),
    [
        ({"name": "../n"}, "a name is 1 to 32 of"),
        ({"name": ""}, "a name is 1 to 32 of"),
        ({"name": "n" * 33}, "a name is 1 to 32 of"),
        ({"port": 0}, "port 0"),
        ({"port": 65536}, "port 65536"),
        ({"host": ""}, "must not be empty"),
        ({"inbound_tag": ""}, "must not be empty"),
        ({"flow": "nonsense"}, "flow 'nonsense' is unknown"),
        ({"flow": VISION}, "under TLS or REALITY"),
        ({"flow": VISION, "security": TLS, "transport": Grpc("g")}, "needs the raw transport"),
        ({"security": Reality("a.example", "key", ""), "transport": WebSocket()}, "cannot carry WebSocket"),
        ({"transport": WebSocket("secret")}, "path 'secret' is not like"),
        ({"transport": Xhttp("/a b")}, "path '/a b' is not like"),
        ({"transport": Grpc("")}, "service_name '' must not be empty"),
        ({"transport": Grpc("/a")}, "service_name '/a' must not be empty"),
        ({"security": Tls("")}, "need a server_name"),
        ({"security": Tls("a.example", pinned_sha256="AB")}, "pinned_sha256 'AB' is not"),
        ({"api_socket": Path("/" + "x" * 107)}, "longer than 103 bytes"),
    ],
)
def test_a_node_that_cannot_be_is_refused_in_one_sentence(
    change: dict[str, object], what_is_wrong: str
) -> None:
    with pytest.raises(BadNode, match=what_is_wrong) as caught:
        replace(PLAIN, **change)  # type: ignore[arg-type]
    assert str(caught.value).startswith("node '")


def test_reality_without_its_private_half_is_refused() -> None:
    node, _ = hidden()
    with pytest.raises(BadNode, match="needs its private key"):
        server_config(node)


def test_halves_that_do_not_belong_together_are_refused() -> None:
    _, private = hidden()
    files = TlsFiles(Path("/c.pem"), Path("/k.pem"))
    with pytest.raises(BadNode, match="but neither of them"):
        server_config(PLAIN, private)
    with pytest.raises(BadNode, match="but neither of them"):
        server_config(PLAIN, files)
    with pytest.raises(BadNode, match="needs a certificate"):
        server_config(replace(PLAIN, security=TLS))
    with pytest.raises(BadNode, match="needs a certificate"):
        server_config(replace(PLAIN, security=TLS), private)


@pytest.mark.parametrize(
    ("public", "private", "what_is_wrong"),
    [
        ({"public_key": reality_keys().public}, {}, "does not belong to its private key"),
        ({}, {"private_key": "short"}, "does not belong to its private key"),
        ({}, {"private_key": "é"}, "does not belong to its private key"),
        ({"short_id": "0"}, {}, "short_id '0' is not"),
        ({"short_id": "00" * 9}, {}, "is not 0 to 8 bytes"),
        ({"server_name": ""}, {}, "need a server_name"),
        ({}, {"target": "www.example.test"}, "a target like"),
    ],
)
def test_reality_that_customers_could_not_use_is_refused_with_the_reason_that_xray_does_not_give(
    public: dict[str, str], private: dict[str, str], what_is_wrong: str
) -> None:
    node, good = hidden()
    assert isinstance(node.security, Reality)
    server_config(node, good)
    with pytest.raises(BadNode, match=what_is_wrong) as caught:
        server_config(replace(node, security=replace(node.security, **public)), replace(good, **private))
    assert good.private_key not in str(caught.value)


@pytest.mark.parametrize(
    "email",
    ["", "A", "a b", "a@b", "a>>>traffic", "a/b", "é", "a" * 65, "a\n"],
    ids=lambda email: repr(email[:9]),
)
def test_a_name_that_a_node_would_mishandle_is_refused(email: str) -> None:
    with pytest.raises(BadUser, match="is not 1 to 64 of"):
        NodeUser(email, ONE).check()


@pytest.mark.parametrize("email", ["a", "s42.1", "a" * 64, "0_-."])
def test_a_good_name_passes(email: str) -> None:
    NodeUser(email, ONE).check()


def test_a_flow_or_level_that_a_node_would_accept_and_ignore_is_refused() -> None:
    with pytest.raises(BadUser, match="flow 'nonsense'"):
        NodeUser("a", ONE, "nonsense").check()
    with pytest.raises(BadUser, match="level 1"):
        NodeUser("a", ONE, level=1).check()


def test_uuids_that_xray_cannot_tell_apart_are_one_credential() -> None:
    assert NodeUser("a", ONE).credential == NodeUser("a", LOOK_ALIKE).credential
    assert NodeUser("a", ONE).credential != NodeUser("a", OTHER).credential


@pytest.mark.parametrize(
    ("users", "what_is_wrong"),
    [
        ([NodeUser("a", ONE), NodeUser("b", LOOK_ALIKE)], "'a' and 'b' have the same credential"),
        ([NodeUser("a", ONE), NodeUser("a", OTHER)], "the same user name stands twice"),
        ([NodeUser("a", ONE), NodeUser("a", ONE)], "the same user name stands twice"),
        ([NodeUser("A", ONE)], "is not 1 to 64 of"),
    ],
)
def test_a_list_in_which_removing_one_would_cut_another_is_refused(
    users: list[NodeUser], what_is_wrong: str
) -> None:
    with pytest.raises(BadUser, match=what_is_wrong):
        server_config(PLAIN, users=users)


def test_the_api_is_a_unix_socket_and_private_targets_are_closed_by_default() -> None:
    text = json.dumps(server_config(PLAIN))
    assert json.loads(text)["api"]["listen"] == "/run/n.sock"
    assert "finalRules" not in text
    assert "finalRules" in json.dumps(server_config(PLAIN, allow_private_targets=True))
