"""One message of any kind to one person: which topic makes its screen, and how it is sent."""

from typing import assert_never

from msgspec import structs

from actors.screens import (
    access,
    afterwards,
    broadcasts,
    home,
    notices,
    offers,
    paying,
    selling,
    switches,
    unasked,
)
from actors.screens.page import Page, Told
from actors.screens.shop import Shop
from actors.words import Recipient
from domain import messages
from integrations.telegram.outgoing import Delete, EditText, Outgoing, SendText


def screen(message: messages.AnyMessage, chat: int, shop: Shop, recipient: Recipient) -> Outgoing:
    """What to send for a message. Takes up to 50 ms where there is a picture: call it in a thread."""
    page = Page(chat, shop, shop.words_for(recipient))
    message = _with_title(message, page)
    match message:
        case messages.StarsInvoice() | messages.CardInvoice():
            return paying.invoice(message, page)
        case messages.MoneyNotice() | messages.AlertsNotice() | messages.DailyReport():
            return notices.noticed(message, page)
        case messages.AccessReady():
            return access.ready(message, page)
        case messages.Announced():
            return broadcasts.announced(message, page)
        case messages.AnnouncementGone(replaces=gone):
            assert gone is not None, "what is taken back was sent"
            return Delete(chat, gone)
        case _:
            html, buttons = _told(message, page)
            if message.replaces is not None:
                return EditText(chat, message.replaces, html, buttons)
            return SendText(chat, html, buttons)


def _with_title(message: messages.AnyMessage, page: Page) -> messages.AnyMessage:
    """A fact keeps the title under which something was sold; people read it in their language."""
    title = getattr(message, "title", None)
    return message if title is None else structs.replace(message, title=page.title(title))


def _told(
    message: "home.Message | selling.Message | paying.Message | access.Message | offers.Message | afterwards.Message"
    " | unasked.Message | broadcasts.Message | switches.Message",
    page: Page,
) -> Told:
    if isinstance(message, home.Message):
        return home.told(message, page)
    if isinstance(message, selling.Message):
        return selling.told(message, page)
    if isinstance(message, paying.Message):
        return paying.told(message, page)
    if isinstance(message, access.Message):
        return access.told(message, page)
    if isinstance(message, offers.Message):
        return offers.told(message, page)
    if isinstance(message, afterwards.Message):
        return afterwards.told(message, page)
    if isinstance(message, broadcasts.Message):
        return broadcasts.told(message, page)
    if isinstance(message, switches.Message):
        return switches.told(message, page)
    if isinstance(message, unasked.Message):
        return unasked.told(message, page)
    assert_never(message)
