"""Every form of a subscription is what it was, and somebody other than its writer can read it."""

import json
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from jsonschema import Draft202012Validator

from integrations.subscription import Form, Subscription
from integrations.subscription.mihomo import mihomo_yaml
from integrations.subscription.sing_box import sing_box_json
from integrations.xray.link import parse_link
from integrations.xray.process import XrayStartFailed, open_xray
from integrations.xray.profile import Profile, profile_of
from integrations.xray.transport import Reality, Xhttp
from tests.fixtures.xray import free_port
from tests.integrations.subscription.golden import FOLDER, STATES, current, file_of
from tests.integrations.subscription.samples import ACTIVE, EXPIRED, KEY, NODES, USER, node

_SCHEMAS: Final = Path(__file__).parent / "schemas"

Document = dict[str, Any]


@pytest.mark.parametrize(("path", "text"), [*current()], ids=[path.name for path, _ in current()])
def test_every_form_is_what_its_golden_file_says(path: Path, text: str) -> None:
    assert text == path.read_text(encoding="utf-8"), (
        "if it is meant, run tests.integrations.subscription.golden"
    )


def test_no_golden_file_is_left_over() -> None:
    assert {path for path, _ in current()} == set(FOLDER.iterdir())


def golden(form: Form, state: str) -> str:
    return file_of(form, state).read_text(encoding="utf-8")


def faults(schema: str, document: object) -> list[str]:
    """What a schema finds wrong with a document."""
    validator = Draft202012Validator(
        json.loads((_SCHEMAS / schema).read_text()), format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]


@pytest.mark.parametrize("state", STATES)
def test_the_links_are_read_by_the_probe_s_own_parser(state: str) -> None:
    text = golden(Form.LINKS, state).removesuffix("\n")
    assert len(text.splitlines()) == 1, "some apps do not join lines"
    links = b64decode(text, validate=True).decode().split("\n")
    assert tuple(parse_link(link) for link in links) == STATES[state][0].entries


def test_an_expired_subscription_has_one_entry_that_leads_nowhere_and_says_what_to_do() -> None:
    [entry] = EXPIRED.entries
    assert (entry.host, entry.port, entry.label) == ("127.0.0.1", 1, "Expired: renew in @turnpike_bot")


def test_a_notice_stands_before_what_works() -> None:
    """As in a period of grace: the key works for some addresses, and the app says why."""
    labels = [entry.label for entry in replace(ACTIVE, notice="Ending soon").entries]
    assert labels == ["Ending soon", *(each.label for each in ACTIVE.profiles)]


@pytest.mark.parametrize("state", STATES)
async def test_every_xray_configuration_starts_a_real_xray(state: str, tmp_path: Path) -> None:
    configurations = json.loads(golden(Form.XRAY, state))
    assert [each["remarks"] for each in configurations] == [each.label for each in STATES[state][0].entries]
    for number, configuration in enumerate(configurations):
        for inbound in configuration["inbounds"]:
            inbound["port"] = free_port()
        async with open_xray(configuration, name=f"client{number}", folder=tmp_path):
            pass


async def test_a_real_xray_refuses_a_configuration_with_a_word_that_it_does_not_know(tmp_path: Path) -> None:
    configuration = json.loads(golden(Form.XRAY, "active"))[0]
    configuration["outbounds"][0]["streamSettings"]["network"] = "carrier-pigeon"
    with pytest.raises(XrayStartFailed):
        async with open_xray(configuration, name="client", folder=tmp_path):
            pass


@pytest.mark.parametrize("state", STATES)
def test_the_sing_box_profile_is_as_documented(state: str) -> None:
    document = json.loads(golden(Form.SING_BOX, state))
    assert faults("sing-box.json", document) == []
    assert sing_box_dangling(document) == set()


def sing_box_dangling(document: Document) -> set[str]:
    """Tags that are used and do not exist, and tags that exist twice."""
    tags = [each["tag"] for each in document["outbounds"]]
    servers = {each["tag"] for each in document["dns"]["servers"]}
    used = {document["route"]["final"]} | {
        rule["outbound"] for rule in document["route"]["rules"] if "outbound" in rule
    }
    used |= {tag for each in document["outbounds"] for tag in each.get("outbounds", ())}
    used |= {each["detour"] for each in document["dns"]["servers"] if "detour" in each}
    resolvers = {document["route"]["default_domain_resolver"], document["dns"]["final"]}
    return (used - set(tags)) | (resolvers - servers) | {tag for tag in tags if tags.count(tag) > 1}


def legacy_name_server(document: Document) -> None:
    document["dns"]["servers"][0] = {"tag": "remote", "address": "https://1.1.1.1/dns-query"}


def unknown_transport(document: Document) -> None:
    document["outbounds"][2]["transport"] = {"type": "xhttp", "path": "/"}


def reality_without_fingerprint(document: Document) -> None:
    del document["outbounds"][2]["tls"]["utls"]


def no_uuid(document: Document) -> None:
    del document["outbounds"][2]["uuid"]


def uuid_of_letters(document: Document) -> None:
    document["outbounds"][2]["uuid"] = "me"


def unknown_key(document: Document) -> None:
    document["outbounds"][2]["security"] = "reality"


def flow_without_tls(document: Document) -> None:
    del document["outbounds"][2]["tls"]


def odd_short_id(document: Document) -> None:
    document["outbounds"][2]["tls"]["reality"]["short_id"] = "abc"


def empty_group(document: Document) -> None:
    document["outbounds"][1]["outbounds"] = []


def old_special_outbound(document: Document) -> None:
    document["outbounds"].append({"type": "block", "tag": "block"})


@pytest.mark.parametrize(
    "spoil",
    [
        legacy_name_server,
        unknown_transport,
        reality_without_fingerprint,
        no_uuid,
        uuid_of_letters,
        unknown_key,
        flow_without_tls,
        odd_short_id,
        empty_group,
        old_special_outbound,
    ],
)
def test_the_sing_box_schema_finds_what_is_wrong(spoil: Callable[[Document], None]) -> None:
    document = json.loads(golden(Form.SING_BOX, "active"))
    spoil(document)
    assert faults("sing-box.json", document)


def test_a_dangling_tag_of_sing_box_is_found() -> None:
    document = json.loads(golden(Form.SING_BOX, "active"))
    document["route"]["final"] = "elsewhere"
    document["outbounds"].append(document["outbounds"][2])
    assert sing_box_dangling(document) == {"elsewhere", document["outbounds"][2]["tag"]}


def test_sing_box_is_told_when_it_can_use_none_of_the_servers() -> None:
    """It knows no XHTTP, and pins keys in place of certificates."""
    hidden = [each for each in NODES if each.name in ("pl", "home")]
    only = replace(ACTIVE, profiles=tuple(profile_of(each, USER) for each in hidden))
    document = json.loads(sing_box_json(only))
    assert faults("sing-box.json", document) == []
    [entry] = [each for each in document["outbounds"] if each["type"] == "vless"]
    assert entry["tag"] == only.other_app


@pytest.mark.parametrize("state", STATES)
def test_the_mihomo_configuration_is_as_documented(state: str) -> None:
    document = yaml.safe_load(golden(Form.MIHOMO, state))
    assert faults("mihomo.json", document) == []
    assert mihomo_dangling(document) == set()


def mihomo_dangling(document: Document) -> set[str]:
    """Names that are used and do not exist, and names that exist twice."""
    names = [each["name"] for each in (*document["proxies"], *document["proxy-groups"])]
    used = {name for group in document["proxy-groups"] for name in group["proxies"]}
    used |= {rule.split(",")[1 if rule.startswith("MATCH") else 2] for rule in document["rules"]}
    used |= {server.partition("#")[2] for server in document["dns"]["nameserver"]} - {""}
    return (used - {*names, "DIRECT"}) | {name for name in names if names.count(name) > 1}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("uuid", None),
        ("uuid", "me"),
        ("port", "443"),
        ("network", "carrier-pigeon"),
        ("security", "reality"),
        ("servername", None),
        ("client-fingerprint", None),
        ("flow", "xtls-rprx-direct"),
        ("tls", False),
        ("reality-opts", {"public-key": "short", "short-id": ""}),
        ("reality-opts", {"public-key": KEY, "short-id": 10}),
        ("fingerprint", "9f86d081"),
        ("skip-cert-verify", True),
    ],
)
def test_the_mihomo_schema_finds_what_is_wrong(key: str, value: object) -> None:
    document = yaml.safe_load(golden(Form.MIHOMO, "active"))
    if value is None:
        del document["proxies"][0][key]
    else:
        document["proxies"][0][key] = value
    assert faults("mihomo.json", document)


def test_a_dangling_name_of_mihomo_is_found() -> None:
    document = yaml.safe_load(golden(Form.MIHOMO, "active"))
    document["rules"].append("MATCH,elsewhere")
    document["proxies"].append(document["proxies"][0])
    assert mihomo_dangling(document) == {"elsewhere", document["proxies"][0]["name"]}


def test_a_short_id_that_looks_like_a_number_stays_a_text_for_every_parser() -> None:
    """1e100000 without quotes is a number to mihomo's parser and a text to ours."""
    profile = profile_of(NODES[0], USER)
    assert isinstance(profile.security, Reality)
    numeric = replace(profile, security=replace(profile.security, short_id="1e100000"))
    written = yaml.compose(mihomo_yaml(replace(ACTIVE, profiles=(numeric,))))
    unquoted = {each.value for each in scalars([written]) if each.style is None}
    assert unquoted <= {"true", "false", "443", "7890", "300"}


def scalars(found: Any) -> list[yaml.ScalarNode]:
    """Every scalar under some nodes of YAML."""
    if isinstance(found, yaml.ScalarNode):
        return [found]
    inside = found.value if isinstance(found, yaml.Node) else found
    return [scalar for each in inside for scalar in scalars(each)]


@pytest.mark.parametrize(
    "label", ["VPN", "Auto", "direct", "DIRECT", "REJECT", "twice", "", "a,b #c & 'd'\n"]
)
def test_no_name_of_a_node_breaks_a_form_in_which_names_are_references(label: str) -> None:
    twins: list[Profile] = [
        profile_of(node(name, host="vpn.example", port=443, label=label), USER) for name in ("a", "b")
    ]
    subscription = replace(ACTIVE, profiles=tuple(twins))
    sing_box = json.loads(sing_box_json(subscription))
    mihomo = yaml.safe_load(mihomo_yaml(subscription))
    assert (faults("sing-box.json", sing_box), sing_box_dangling(sing_box)) == ([], set())
    assert (faults("mihomo.json", mihomo), mihomo_dangling(mihomo)) == ([], set())


def test_the_samples_have_every_kind_of_node() -> None:
    kinds = {(type(each.transport).__name__, type(each.security).__name__) for each in ACTIVE.profiles}
    assert {kind for kind, _ in kinds} == {"Raw", "WebSocket", "Grpc", "Xhttp"}
    assert {kind for _, kind in kinds} == {"Tls", "Reality"}
    assert any(isinstance(each.transport, Xhttp) for each in ACTIVE.profiles)


def test_a_subscription_with_nothing_in_it_and_nothing_to_say_cannot_be() -> None:
    with pytest.raises(AssertionError, match="says why"):
        Subscription(title="x", address="y")
