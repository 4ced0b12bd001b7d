"""Each app gets the form that it reads."""

import pytest

from integrations.subscription import Form, form_for, platform_of
from integrations.subscription.apps import APPS, Platform, app_named

CHROME = (
    "Mozilla/5.0 (Linux; Android 15; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile"
)
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Version/19.0 Mobile"

#: What apps say of themselves, and what they read.
AGENTS = (
    ("v2rayNG/1.10.5", Form.LINKS),
    ("v2rayN/7.12.3", Form.LINKS),
    ("Happ/3.6.0", Form.LINKS),
    ("v2raytun/ios", Form.LINKS),
    ("Streisand/1.6 CFNetwork/3826 Darwin/24.6.0", Form.LINKS),
    ("HiddifyNext/2.5.7 (android) like ClashMeta v2ray sing-box", Form.LINKS),
    ("Shadowrocket/2610 CFNetwork/3826 Darwin/24.6.0", Form.LINKS),
    ("NekoBox/Android/1.3.8 (Prefer ClashMeta Format)", Form.LINKS),
    ("curl/8.14.1", Form.LINKS),
    ("TelegramBot (like TwitterBot)", Form.LINKS),
    ("", Form.LINKS),
    ("FlClash/v0.8.90 clash-verge Platform/android", Form.MIHOMO),
    ("FlClash X/v0.4", Form.MIHOMO),
    ("clash-verge/v2.4.2", Form.MIHOMO),
    ("clash.meta", Form.MIHOMO),
    ("ClashMetaForAndroid/2.11.18.Meta", Form.MIHOMO),
    ("ClashX Meta/1.4", Form.MIHOMO),
    ("mihomo/1.19.15", Form.MIHOMO),
    ("mihomo.party/v1.8.4 (clash.meta)", Form.MIHOMO),
    ("koala-clash/v1.2", Form.MIHOMO),
    ("prizrak-box/1.0", Form.MIHOMO),
    ("Stash/3.1 Clash/1.11", Form.MIHOMO),
    ("SFA/1.12.9 (Build 560; sing-box 1.12.9; language en_US)", Form.SING_BOX),
    ("SFI/1.12.9 (Build 1; sing-box 1.12.9)", Form.SING_BOX),
    ("SFM/1.12.9", Form.SING_BOX),
    ("SFT/1.12.9", Form.SING_BOX),
    ("Karing/1.2.3 (platform=android)", Form.SING_BOX),
    ("sing-box 1.13.0", Form.SING_BOX),
    ("SingBox/1.0", Form.SING_BOX),
    ("io.github.saeeddev94.xray/10.5.0", Form.XRAY),
    ("Xray/26.10.10", Form.XRAY),
)


@pytest.mark.parametrize(("agent", "form"), AGENTS)
def test_an_app_gets_the_form_that_it_reads(agent: str, form: Form) -> None:
    assert form_for(agent, "*/*") is form
    assert form_for(agent.upper(), "text/html") is form


@pytest.mark.parametrize("agent", [CHROME, SAFARI])
def test_a_browser_gets_the_page_if_it_asks_for_one(agent: str) -> None:
    assert form_for(agent, "text/html,application/xhtml+xml,*/*;q=0.8") is Form.PAGE
    assert form_for(agent, "*/*") is Form.LINKS


@pytest.mark.parametrize(
    ("agent", "platform"),
    [
        (CHROME, Platform.ANDROID),
        (SAFARI, Platform.IOS),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64)", Platform.WINDOWS),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)", Platform.MACOS),
        ("Mozilla/5.0 (X11; Linux x86_64)", Platform.LINUX),
        ("Mozilla/5.0 (PlayStation 5)", None),
    ],
)
def test_a_browser_says_which_apps_fit(agent: str, platform: Platform | None) -> None:
    assert platform_of(agent) is platform


def test_every_platform_has_an_app_and_every_app_its_name() -> None:
    assert {platform for app in APPS for platform in app.platforms} == set(Platform)
    assert all(app_named(app.id) is app for app in APPS)
    assert app_named("nothing") is None


URL = "https://vpn.example/s/abc-_DEF"


@pytest.mark.parametrize(
    ("app", "link"),
    [
        ("happ", f"happ://add/{URL}"),
        ("v2raytun", f"v2raytun://import/{URL}"),
        ("hiddify", f"hiddify://import/{URL}#My%20VPN%20%26%20co"),
        ("streisand", f"streisand://import/{URL}"),
        ("v2rayng", "v2rayng://install-sub?url=https%3A%2F%2Fvpn.example%2Fs%2Fabc-_DEF#My%20VPN%20%26%20co"),
        ("clash-verge", "clash://install-config?url=https%3A%2F%2Fvpn.example%2Fs%2Fabc-_DEF"),
        (
            "sing-box",
            "sing-box://import-remote-profile?url=https%3A%2F%2Fvpn.example%2Fs%2Fabc-_DEF#My%20VPN%20%26%20co",
        ),
    ],
)
def test_an_import_link_is_what_the_app_documents(app: str, link: str) -> None:
    found = app_named(app)
    assert found is not None
    assert found.import_link(URL, "My VPN & co") == link
