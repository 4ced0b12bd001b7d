"""What comes after a purchase: renewals from the balance, refunds, and what an operator did."""

from actors.screens.page import Page, Told, menu, paragraphs, renewing, to_menu
from domain.messages import (
    Adjusted,
    AutoRenewal,
    Credited,
    PaidForAnother,
    Refunded,
    RenewalShort,
    Renewed,
    ReviewClosed,
    Revoked,
    TimeGranted,
)
from integrations.telegram.outgoing import Button

Message = (
    Adjusted
    | AutoRenewal
    | Credited
    | PaidForAnother
    | Refunded
    | Renewed
    | RenewalShort
    | ReviewClosed
    | Revoked
    | TimeGranted
)


def told(message: Message, page: Page) -> Told:
    """The text and the buttons of a message."""
    words = page.words
    top_up = (Button(words.plain("button-top-up"), data="show:top_ups"),)
    match message:
        case Renewed(title=title, price=price, expires_at=until, balance=balance):
            return words("renewed", title=title, price=price, until=until, balance=balance), ()
        case RenewalShort(title=title, price=price, missing=missing, expires_at=until):
            text = words("renewal-short", title=title, price=price, missing=missing, until=until)
            return text, (top_up, renewing(page))
        case AutoRenewal():
            return _auto_renewal(message, page)
        case Credited(amount=amount, credit=credit, balance=balance, reason=reason):
            return words("credited", amount=amount, credit=credit, balance=balance, reason=reason), menu(page)
        case PaidForAnother(title=title, amount=amount):
            return words("paid-for-another", title=title, amount=amount), menu(page)
        case ReviewClosed(amount=amount, note=note):
            return words("review-closed", amount=amount, note=note), menu(page)
        case Refunded(amount=amount, title=None):
            return words("refunded", amount=amount), menu(page)
        case Refunded(amount=amount, title=title):
            assert title is not None, "the case above has none"
            return words("refunded-purchase", amount=amount, title=title), menu(page)
        case Adjusted(amount=amount, balance=balance, reason=reason) if amount.minor > 0:
            return words("adjusted-up", amount=amount, balance=balance, reason=reason), menu(page)
        case Adjusted(amount=amount, balance=balance, reason=reason):
            return words("adjusted-down", amount=-amount, balance=balance, reason=reason), menu(page)
        case TimeGranted(days=days, expires_at=until, reason=reason):
            return words("time-granted", days=days, until=until, reason=reason), menu(page)
        case Revoked(title=title, reason=reason):
            return words("revoked", title=title, reason=reason), menu(page)


def _auto_renewal(message: AutoRenewal, page: Page) -> Told:
    words = page.words
    if message.title is None or message.price is None:
        return words("auto-renewal-nothing"), menu(page)
    title, price = message.title, message.price
    if message.monthly:
        return words("auto-renewal-monthly", title=title), menu(page)
    if message.on:
        text, button = (
            words("auto-renewal-on", title=title, price=price),
            words.plain("button-auto-renewal-off"),
        )
        if message.paused:
            text = paragraphs(text, words("auto-renewal-paused"))
        return text, ((Button(button, data="renewal:off"),), to_menu(page))
    text, button = words("auto-renewal-off", title=title, price=price), words.plain("button-auto-renewal-on")
    return text, ((Button(button, data="renewal:on"),), to_menu(page))
