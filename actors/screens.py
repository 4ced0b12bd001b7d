"""From a fact to what a person sees: words, buttons, pictures. The words are English here; languages come by
file later.

Buttons carry what they mean (`show:plans`, `buy:plan:month:stars`), never a position or a session, so a
button of any age still works or is answered politely.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from io import BytesIO
from typing import Final, assert_never
from uuid import UUID

import segno

from domain import messages
from domain.catalogue import Catalogue, TopUp
from domain.payload import make_payload
from integrations.telegram.outgoing import (
    Button,
    Buttons,
    EditText,
    Outgoing,
    SendInvoice,
    SendPhoto,
    SendText,
)
from integrations.xray.link import share_link
from integrations.xray.node import Node

MENU: Final[Buttons] = (
    (Button("🛒 Plans", data="show:plans"),),
    (Button("🔑 My access", data="show:account"), Button("💰 Balance", data="show:top_ups")),
)
_BACK: Final = (Button("‹ Menu", data="show:home"),)

_REASONS: Final = {
    "unknown_purchase": "we could not tell which order it was for",
    "duplicate": "that order had been paid before",
    "underpaid": "it is less than the price",
    "overpaid": "it is more than the price",
    "wrong_currency": "it came in another currency",
}


@dataclass(frozen=True, slots=True)
class Shop:
    """What the words speak of: the shop's name, what it sells, its nodes, and its public address."""

    name: str
    support: str
    catalogue: Catalogue
    nodes: Sequence[Node]
    public_url: str
    crypto: bool


def screen(message: messages.AnyMessage, chat: int, shop: Shop) -> Outgoing:
    """What to send for a message. Takes up to 50 ms where there is a picture: call it in a thread."""
    match message:
        case messages.StarsInvoice():
            return SendInvoice(
                chat,
                title=message.title,
                description=f"{shop.name}: {message.title}",
                payload=make_payload(message.purchase_id, chat),
                amount=message.price,
                label=message.title,
            )
        case messages.AccessReady():
            return _access(message, chat, shop)
        case _:
            html, buttons = _text(message, shop)
            if message.replaces is not None:
                return EditText(chat, message.replaces, html, buttons)
            return SendText(chat, html, buttons)


def _access(message: messages.AccessReady, chat: int, shop: Shop) -> Outgoing:
    links, address = links_of(UUID(message.uuid), shop), address_of(message.token, shop)
    if not links:
        html, buttons = "✅ Your access is on. The links follow as soon as a node is set up.", (_BACK,)
        return SendText(chat, html, buttons)
    picture = BytesIO()
    segno.make(links[0], error="m", micro=False).save(picture, kind="png", scale=8, border=3)
    caption = (
        f"✅ <b>You are connected until {_when(message.expires_at)}.</b>\n\n"
        "Scan the code with your VPN app, or tap the key to copy it:\n"
        f"<code>{escape(links[0])}</code>\n\n"
        f"Subscription address for apps that update by themselves:\n<code>{escape(address)}</code>"
    )
    return SendPhoto(chat, picture.getvalue(), caption, ((Button("🔑 My access", data="show:account"),),))


def links_of(uuid: UUID, shop: Shop) -> list[str]:
    """One share link for each node."""
    return [share_link(node, uuid, f"{shop.name} · {node.label or node.name}") for node in shop.nodes]


def address_of(token: str, shop: Shop) -> str:
    """The subscription address of a token."""
    return f"{shop.public_url.rstrip('/')}/s/{token}"


def _text(message: messages.AnyMessage, shop: Shop) -> tuple[str, Buttons]:
    match message:
        case messages.Home():
            return (
                f"👋 Hello, <b>{escape(message.first_name)}</b>!\n\n"
                f"This is <b>{escape(shop.name)}</b>. Choose a plan, pay, and get your key within seconds.",
                MENU,
            )
        case messages.Help():
            support = f"\n\nQuestions? {escape(shop.support)}" if shop.support else ""
            return f"I know these: /start, /plans, /me, /balance.{support}", MENU
        case messages.PlanList():
            return "🛒 <b>Plans</b>\nWhich one suits you?", _plan_buttons(shop)
        case messages.WaysToPay():
            return _ways_to_pay(message, shop)
        case messages.TopUpList():
            return (
                f"💰 Your balance is <b>{message.balance}</b>.\nBy how much shall it grow?",
                _top_up_buttons(shop),
            )
        case messages.Account():
            return _account(message, shop)
        case messages.CryptoInvoice():
            return (
                f"🪙 <b>{escape(message.title)}</b> for <b>{message.price}</b>.\n"
                "Pay the invoice and come back: we notice by ourselves.",
                ((Button(f"Pay {message.price}", url=message.url),), _BACK),
            )
        case messages.ConfirmBalance():
            return (
                f"💰 Pay <b>{message.price}</b> for <b>{escape(message.title)}</b> from your balance of "
                f"<b>{message.balance}</b>?",
                ((Button(f"✅ Pay {message.price}", data=f"settle:{message.purchase_id}"),), _BACK),
            )
        case messages.NotEnough():
            return (
                f"Your balance does not cover <b>{escape(message.title)}</b>: <b>{message.missing}</b> is missing.\n"
                "Nothing was charged.",
                ((Button("➕ Top up", data="show:top_ups"),), _BACK),
            )
        case messages.NotForSale():
            return "This offer is no longer there. Here is what there is now:", _plan_buttons(shop)
        case messages.ProviderUnavailable():
            return (
                f"The payment service does not answer just now, so there is no invoice for "
                f"<b>{escape(message.title)}</b> yet. Nothing was charged: try again in a minute, or pay another way.",
                (_BACK,),
            )
        case messages.Paid():
            tail = (
                "Your key is on its way…" if message.connecting else "You stay connected, with the same key."
            )
            return (
                f"🎉 <b>Paid: {escape(message.title)}</b> for {message.price}.\n"
                f"Valid until <b>{_when(message.expires_at)}</b>. {tail}",
                (),
            )
        case messages.ToppedUp():
            return (
                f"🎉 <b>{message.credit}</b> added. Your balance is <b>{message.balance}</b>.",
                ((Button("🛒 Plans", data="show:plans"),),),
            )
        case messages.AlreadyPaid():
            return f"<b>{escape(message.title)}</b> is paid already; nothing more was charged.", MENU
        case messages.UnderReview():
            reason = _REASONS.get(message.reason, "something about it is unusual")
            return (
                f"We received <b>{message.amount}</b>, but {reason}. Your money is safe: it is set aside for you, "
                "and a person is looking at it.",
                MENU,
            )
        case messages.Expired():
            return (
                f"⏳ <b>{escape(message.title)}</b> is over, and your access is switched off.\n"
                "Renew, and the same key works again at once.",
                ((Button("🔄 Renew", data="show:plans"),),),
            )
        case messages.StarsInvoice() | messages.AccessReady():
            raise TypeError("an invoice and a key are not texts")
        case _:
            assert_never(message)


def _plan_buttons(shop: Shop) -> Buttons:
    rows = tuple(
        (Button(f"{plan.title} · {plan.price}", data=f"show:pay:plan:{plan.id}"),)
        for plan in shop.catalogue.plans.values()
    )
    return (*rows, _BACK)


def _top_up_buttons(shop: Shop) -> Buttons:
    rows = tuple(
        (Button(f"➕ {top_up.title}", data=f"show:pay:top_up:{top_up.id}"),)
        for top_up in shop.catalogue.top_ups.values()
    )
    return (*rows, _BACK)


def _ways_to_pay(message: messages.WaysToPay, shop: Shop) -> tuple[str, Buttons]:
    item = shop.catalogue.find(message.item)
    if item is None:
        return _text(messages.NotForSale(), shop)
    ways = [(Button(f"⭐ Telegram Stars · {item.stars.minor}", data=f"buy:{message.item}:stars"),)]
    if shop.crypto:
        ways.append((Button(f"🪙 Crypto Pay · {item.price}", data=f"buy:{message.item}:cryptopay"),))
    if not isinstance(item, TopUp):
        ways.append((Button(f"💰 Balance · {message.balance}", data=f"buy:{message.item}:balance"),))
    back = Button("‹ Back", data="show:top_ups" if isinstance(item, TopUp) else "show:plans")
    return f"<b>{escape(item.title)}</b> for <b>{item.price}</b>.\nHow would you like to pay?", (
        *ways,
        (back,),
    )


def _account(message: messages.Account, shop: Shop) -> tuple[str, Buttons]:
    balance = f"💰 Balance: <b>{message.balance}</b>"
    if message.title is None or message.expires_at is None or message.uuid is None or message.token is None:
        return f"🔑 You have no plan yet.\n{balance}", ((Button("🛒 Plans", data="show:plans"),), _BACK)
    if not message.active:
        return (
            f"⏳ <b>{escape(message.title)}</b> ended on {_when(message.expires_at)}.\n{balance}",
            ((Button("🔄 Renew", data="show:plans"),), _BACK),
        )
    head = f"🔑 <b>{escape(message.title)}</b> until <b>{_when(message.expires_at)}</b>\n{balance}\n\n"
    if not message.connected:
        return f"{head}Paid, and being connected: the key comes in a moment.", (_BACK,)
    keys = "\n\n".join(f"<code>{escape(link)}</code>" for link in links_of(UUID(message.uuid), shop))
    address = f"Subscription address:\n<code>{escape(address_of(message.token, shop))}</code>"
    return f"{head}{keys}\n\n{address}", ((Button("🔄 Renew", data="show:plans"),), _BACK)


def _when(moment: datetime) -> str:
    return f"{moment:%-d %B %Y, %H:%M} UTC"
