"""Reading `reply_markup`: inline keyboards with Telegram's refusals, and the plain keyboards below the composer."""

from typing import Final

import msgspec

from integrations.telegram.sandbox.errors import bad_request
from integrations.telegram.sandbox.parameters import Parameters
from integrations.telegram.sandbox.wire import Button, Keyboard

CALLBACK_DATA_BYTES: Final = 64
BUTTONS_LIMIT: Final = 100
_ACTIONS: Final = ("callback_data", "url", "pay", "web_app", "copy_text")
_BAD_JSON: Final = "can't parse reply keyboard markup JSON object"


class _KeyboardButton(msgspec.Struct):
    text: str


class _Markup(msgspec.Struct):
    inline_keyboard: list[list[Button]] | None = None
    keyboard: list[list[_KeyboardButton | str]] | None = None
    remove_keyboard: bool = False
    force_reply: bool = False


class Markup(msgspec.Struct):
    """What a message carries: buttons under it, or a keyboard in place of the composer's ([]: removed)."""

    inline: Keyboard | None = None
    reply: list[list[str]] | None = None


def read_markup(parameters: Parameters, *, invoice: bool = False) -> Markup:
    """The `reply_markup` of a call; raises `BotApiError` for what Telegram refuses."""
    raw = parameters.json("reply_markup", msgspec.Raw, _BAD_JSON)
    if raw is None:
        return Markup()
    if not bytes(raw).lstrip().startswith(b"{"):
        raise bad_request("object expected as reply markup")
    try:
        markup = msgspec.json.decode(raw, type=_Markup)
    except msgspec.ValidationError as error:
        raise bad_request(f"can't parse inline keyboard button: {error}") from None
    if markup.inline_keyboard is not None:
        return Markup(inline=_checked(markup.inline_keyboard, invoice))
    if markup.keyboard is not None:
        rows = [[b if isinstance(b, str) else b.text for b in row] for row in markup.keyboard]
        return Markup(reply=rows)
    return Markup(reply=[] if markup.remove_keyboard else None)


def _checked(rows: list[list[Button]], invoice: bool) -> Keyboard | None:
    rows = [row for row in rows if row]
    if sum(map(len, rows)) > BUTTONS_LIMIT:
        raise bad_request("reply markup is too long")
    for button in (button for row in rows for button in row):
        _check(button)
    pays = [button for row in rows for button in row if button.pay]
    if pays and not invoice:
        raise bad_request("BUTTON_TYPE_INVALID")
    if invoice and rows and pays != rows[0][:1]:
        raise bad_request("REPLY_MARKUP_BUY_EMPTY")
    return Keyboard(inline_keyboard=rows) if rows else None


def _check(button: Button) -> None:
    if not button.text:
        raise bad_request("can't parse inline keyboard button: Text buttons must be non-empty")
    actions = [name for name in _ACTIONS if getattr(button, name) is not None]
    if not actions:
        raise bad_request(
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"
        )
    data = button.callback_data
    if data is not None and not 1 <= len(data.encode()) <= CALLBACK_DATA_BYTES:
        raise bad_request("BUTTON_DATA_INVALID")
    if button.url is not None:
        _check_url(button.url)
    if button.web_app is not None and not button.web_app.url.startswith("https://"):
        raise bad_request(
            f"inline keyboard button Web App URL '{button.web_app.url}' is invalid: Only HTTPS links are allowed"
        )


def _check_url(url: str) -> None:
    scheme, separator, rest = url.partition("://")
    reason = ""
    if separator and scheme.lower() not in {"http", "https", "tg", "ton", "tonsite"}:
        reason = "Unsupported URL protocol"
    elif not (rest if separator else "." in url) or any(c.isspace() for c in url):
        reason = "Wrong HTTP URL"
    if reason:
        raise bad_request(f"inline keyboard button URL '{url}' is invalid: {reason}")
