"""From a subscription to the text of an answer, in any form."""

from base64 import b64encode
from dataclasses import dataclass
from typing import Final, assert_never

from integrations.subscription.apps import App
from integrations.subscription.clients import Form
from integrations.subscription.content import Subscription
from integrations.subscription.mihomo import mihomo_yaml
from integrations.subscription.sing_box import sing_box_json
from integrations.subscription.web import PageWords, Visitor, opening_page, web_page
from integrations.subscription.xray_json import xray_json
from integrations.xray.link import write_link

_HTML: Final = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Rendered:
    """The body of an answer and its content type."""

    text: str
    media_type: str


def render(subscription: Subscription, form: Form, words: PageWords, visitor: Visitor) -> Rendered:
    """Write a subscription; takes up to 50 ms for a page, so call it in a thread."""
    match form:
        case Form.LINKS:
            return Rendered(links(subscription), "text/plain; charset=utf-8")
        case Form.XRAY:
            return Rendered(xray_json(subscription), "application/json")
        case Form.SING_BOX:
            return Rendered(sing_box_json(subscription), "application/json")
        case Form.MIHOMO:
            return Rendered(mihomo_yaml(subscription), "text/yaml; charset=utf-8")
        case Form.PAGE:
            return Rendered(web_page(subscription, words, visitor), _HTML)
        case _:
            assert_never(form)


def opening(subscription: Subscription, words: PageWords, app: App) -> Rendered:
    """Write the page that sends a browser on into an app."""
    return Rendered(opening_page(subscription, words, app), _HTML)


def links(subscription: Subscription) -> str:
    """One share link a line, all of it in standard Base64 without line breaks, as every app reads it."""
    return b64encode("\n".join(map(write_link, subscription.entries)).encode()).decode()
