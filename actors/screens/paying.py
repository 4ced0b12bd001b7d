"""Invoices, and what became of a payment."""

from actors.screens.page import Page, Told, menu, on_its_way, to_menu
from domain.messages import (
    AlreadyPaid,
    CardInvoice,
    ConfirmBalance,
    CryptoInvoice,
    NotEnough,
    Paid,
    ProviderUnavailable,
    StarsInvoice,
    StarsSubscription,
    ToppedUp,
    UnderReview,
)
from domain.payload import make_payload
from integrations.telegram.outgoing import Button, SendInvoice

Message = (
    CryptoInvoice
    | StarsSubscription
    | ConfirmBalance
    | NotEnough
    | ProviderUnavailable
    | Paid
    | ToppedUp
    | AlreadyPaid
    | UnderReview
)


def invoice(message: StarsInvoice | CardInvoice, page: Page) -> SendInvoice:
    """An invoice in Telegram's own form."""
    return SendInvoice(
        page.chat,
        title=message.title,
        description=page.words.plain("invoice-description", shop=page.shop.name, title=message.title),
        payload=make_payload(message.purchase_id, page.chat),
        amount=message.price,
        label=message.title,
    )


def told(message: Message, page: Page) -> Told:
    """The text and the buttons of a message."""
    words = page.words
    match message:
        case CryptoInvoice(title=title, price=price):
            pay = Button(words.plain("button-pay", price=price), url=message.url)
            return words("crypto-invoice", title=title, price=price), ((pay,), to_menu(page))
        case StarsSubscription(title=title, price=price):
            pay = Button(words.plain("button-pay", price=price), url=message.url)
            return words("stars-subscription", title=title, price=price), ((pay,), to_menu(page))
        case ConfirmBalance(title=title, price=price, balance=balance):
            pay = Button(
                words.plain("button-pay-from-balance", price=price), data=f"settle:{message.purchase_id}"
            )
            text = words("confirm-balance", title=title, price=price, balance=balance)
            return text, ((pay,), to_menu(page))
        case NotEnough(title=title, missing=missing):
            top_up = Button(words.plain("button-top-up"), data="show:top_ups")
            return words("not-enough", title=title, missing=missing), ((top_up,), to_menu(page))
        case ProviderUnavailable(title=title):
            return words("provider-unavailable", title=title), (to_menu(page),)
        case Paid(title=title, price=price, expires_at=until, connecting=True, delayed=delayed):
            return on_its_way(
                page, words("paid-connecting", title=title, price=price, until=until), delayed
            ), ()
        case Paid(title=title, price=price, expires_at=until):
            renew = (Button(words.plain("button-auto-renewal"), data="show:renewal"),)
            return words("paid-connected", title=title, price=price, until=until), (renew,)
        case ToppedUp(credit=credit, balance=balance):
            plans = Button(words.plain("button-plans"), data="show:plans")
            return words("topped-up", credit=credit, balance=balance), ((plans,),)
        case AlreadyPaid(title=title):
            return words("already-paid", title=title), menu(page)
        case UnderReview(amount=amount, reason=reason):
            return words("under-review", amount=amount, reason=reason), menu(page)
