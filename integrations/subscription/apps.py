"""Client apps that the page offers: where to get one, and the link that makes it take a subscription.

Such links have schemes of their own, which messengers refuse; so each is also behind an address of ours that sends on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import quote


class Platform(StrEnum):
    """What people hold in their hands; the value is how its makers write it."""

    IOS = "iOS"
    ANDROID = "Android"
    WINDOWS = "Windows"
    MACOS = "macOS"
    LINUX = "Linux"


@dataclass(frozen=True, slots=True)
class App:
    """A client app."""

    #: Its name in addresses.
    id: str
    name: str
    platforms: frozenset[Platform]
    website: str
    #: From the subscription's address and title to the link that imports it.
    import_link: Callable[[str, str], str]


def platform_of(user_agent: str) -> Platform | None:
    """The platform of a browser, None if it does not say."""
    for word, platform in _PLATFORM_WORDS:
        if word in user_agent:
            return platform
    return None


def app_named(name: str) -> App | None:
    """The app with this id."""
    return next((app for app in APPS if app.id == name), None)


def _encoded(text: str) -> str:
    return quote(text, safe="")


# The order matters: an Android browser says Linux as well, an iPhone's says Mac OS X.
_PLATFORM_WORDS: Final = (
    ("Android", Platform.ANDROID),
    ("iPhone", Platform.IOS),
    ("iPad", Platform.IOS),
    ("Windows", Platform.WINDOWS),
    ("Macintosh", Platform.MACOS),
    ("Linux", Platform.LINUX),
)

_PHONES: Final = frozenset({Platform.IOS, Platform.ANDROID})
_COMPUTERS: Final = frozenset({Platform.WINDOWS, Platform.MACOS, Platform.LINUX})

APPS: Final = (
    App("happ", "Happ", _PHONES | _COMPUTERS, "https://www.happ.su", lambda url, _: f"happ://add/{url}"),
    App(
        "v2raytun",
        "v2RayTun",
        _PHONES | {Platform.MACOS, Platform.WINDOWS},
        "https://v2raytun.com",
        lambda url, _: f"v2raytun://import/{url}",
    ),
    App(
        "hiddify",
        "Hiddify",
        _PHONES | _COMPUTERS,
        "https://hiddify.com",
        lambda url, title: f"hiddify://import/{url}#{_encoded(title)}",
    ),
    App(
        "streisand",
        "Streisand",
        frozenset({Platform.IOS, Platform.MACOS}),
        "https://apps.apple.com/app/id6450534064",
        lambda url, _: f"streisand://import/{url}",
    ),
    App(
        "v2rayng",
        "v2rayNG",
        frozenset({Platform.ANDROID}),
        "https://github.com/2dust/v2rayNG/releases",
        lambda url, title: f"v2rayng://install-sub?url={_encoded(url)}#{_encoded(title)}",
    ),
    App(
        "clash-verge",
        "Clash Verge",
        _COMPUTERS,
        "https://www.clashverge.dev",
        lambda url, _: f"clash://install-config?url={_encoded(url)}",
    ),
    App(
        "sing-box",
        "sing-box",
        _PHONES | {Platform.MACOS},
        "https://sing-box.sagernet.org/clients/",
        lambda url, title: f"sing-box://import-remote-profile?url={_encoded(url)}#{_encoded(title)}",
    ),
)
