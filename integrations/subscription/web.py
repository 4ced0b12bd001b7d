"""The subscription as a page for people: apps and their import buttons, a QR code for another device, the keys.

Everything is in the one answer, since an address with a secret must not load anything from elsewhere: style and script
stand in the page, and its policy lets nothing else in. Without the script all works but the copying.
"""

from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final

import segno
from jinja2 import Environment, FunctionLoader, StrictUndefined, Template

from integrations.subscription.apps import APPS, App, Platform
from integrations.subscription.content import Subscription
from integrations.xray.link import write_link


@dataclass(frozen=True, slots=True)
class PageWords:
    """What the page says, in the language of whoever reads it."""

    #: As the `lang` attribute of HTML has it.
    language: str
    #: Until when it is paid, or since when it is over.
    status: str
    connect: str
    connect_how: str
    get: str
    add: str
    other_devices: str
    another_device: str
    scan: str
    scan_bot: str
    copy: str
    copied: str
    keys: str
    keys_how: str
    renew: str
    support: str
    open_app: str
    open_app_how: str
    #: How much was moved, of how much there may be.
    traffic: str = ""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks at the page, as far as the browser says."""

    platform: Platform | None = None


def web_page(subscription: Subscription, words: PageWords, visitor: Visitor) -> str:
    """Write the page; takes up to 50 ms."""
    here = [app for app in APPS if visitor.platform in app.platforms]
    keys = [(profile.label or profile.host, write_link(profile)) for profile in subscription.profiles]
    if not subscription.profiles and subscription.bot_url:
        code, scan = subscription.bot_url, words.scan_bot
    else:
        code, scan = subscription.address, words.scan
    return _template("page.html").render(
        subscription=subscription,
        words=words,
        platform=visitor.platform,
        here=[_offer(app, subscription) for app in here or APPS],
        elsewhere=[_offer(app, subscription) for app in APPS if app not in here] if here else [],
        keys=keys,
        picture=_picture(code),
        scan=scan,
    )


def opening_page(subscription: Subscription, words: PageWords, app: App) -> str:
    """Write the page that sends a browser on into an app: messengers open nothing but web addresses."""
    return _template("open.html").render(
        subscription=subscription, words=words, offer=_offer(app, subscription)
    )


@dataclass(frozen=True, slots=True)
class _Offer:
    """An app with its import link for this subscription."""

    name: str
    website: str
    link: str
    platforms: str


def _offer(app: App, subscription: Subscription) -> _Offer:
    platforms = ", ".join(platform for platform in Platform if platform in app.platforms)
    link = app.import_link(subscription.address, subscription.title)
    return _Offer(app.name, app.website, link, platforms)


def _picture(text: str) -> str:
    return segno.make(text, error="m", micro=False).svg_inline(border=2, omitsize=True)


def _file(name: str) -> str:
    return files("integrations.subscription").joinpath("page", name).read_text(encoding="utf-8")


@cache
def _template(name: str) -> Template:
    environment = Environment(
        loader=FunctionLoader(_file),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"style": _STYLE, "script": _SCRIPT}
    return environment.get_template(name)


def _source(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


_STYLE: Final = _file("page.css")
_SCRIPT: Final = _file("page.js")

#: What the page may load and do: its own style and script, and nothing besides.
PAGE_POLICY: Final = (
    f"default-src 'none'; style-src {_source(_STYLE)}; script-src {_source(_SCRIPT)}; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
