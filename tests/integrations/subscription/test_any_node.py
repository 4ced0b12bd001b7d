"""Whatever nodes a shop has and whatever it calls them, every form is well formed and says the same."""

import json
from base64 import b64decode
from dataclasses import replace

import yaml
from hypothesis import given
from hypothesis import strategies as st

from integrations.subscription.mihomo import mihomo_yaml
from integrations.subscription.rendering import links
from integrations.subscription.sing_box import sing_box_json
from integrations.subscription.xray_json import xray_json
from integrations.xray.link import parse_link
from integrations.xray.profile import Profile, client_outbound
from integrations.xray.transport import VISION, Raw, Reality, Tls
from tests.integrations.subscription.samples import ACTIVE, KEY
from tests.integrations.subscription.test_golden import faults, mihomo_dangling, sing_box_dangling
from tests.integrations.xray.test_link import hosts, paths, pins, short_ids, transports, words

names = st.sampled_from(["www.example.com", "xn--e1afmkfd.xn--p1ai", "192.0.2.1"])
securities = st.one_of(
    st.none(),
    st.builds(Tls, names, pinned_sha256=pins),
    st.builds(Reality, names, st.just(KEY), short_ids),
)


@st.composite
def profiles(draw: st.DrawFn) -> Profile:
    """A profile that a `Node` could have."""
    transport = draw(transports)
    security = draw(securities)
    if isinstance(security, Reality) and type(transport).__name__ == "WebSocket":
        security = None
    flow = VISION if isinstance(transport, Raw) and security is not None else ""
    return Profile(
        draw(st.uuids()), draw(hosts), draw(st.integers(1, 65535)), transport, security, flow, draw(words)
    )


@given(st.lists(profiles(), min_size=1, max_size=5), st.sampled_from(["", "Ending soon"]), paths)
def test_every_form_of_any_subscription_can_be_read(
    connections: list[Profile], notice: str, path: str
) -> None:
    subscription = replace(ACTIVE, profiles=tuple(connections), notice=notice, title=path)
    assert [parse_link(each) for each in b64decode(links(subscription)).decode().split("\n")] == list(
        subscription.entries
    )
    mihomo = yaml.safe_load(mihomo_yaml(subscription))
    assert (faults("mihomo.json", mihomo), mihomo_dangling(mihomo)) == ([], set())
    assert len(mihomo["proxies"]) == len(subscription.entries)
    sing_box = json.loads(sing_box_json(subscription))
    assert (faults("sing-box.json", sing_box), sing_box_dangling(sing_box)) == ([], set())
    outbounds = [each["outbounds"][0] for each in json.loads(xray_json(subscription))]
    assert outbounds == [{"tag": "proxy", **client_outbound(each)} for each in subscription.entries]
