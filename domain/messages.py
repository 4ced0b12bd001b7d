"""What people are told, as facts. Words, buttons and pictures are made of them when they are sent.

Each is stored in the outbox as JSON with its `type`, so a field may be added but none renamed.
"""

from datetime import datetime

import msgspec

from domain.money import Money


class Message(msgspec.Struct, frozen=True, tag_field="type", kw_only=True):
    """Base of everything that is told to a person; `replaces` is the chat message that it takes the place of."""

    replaces: int | None = None


class Home(Message, frozen=True, kw_only=True, tag="home"):
    """The greeting with the main menu."""

    first_name: str


class Help(Message, frozen=True, kw_only=True, tag="help"):
    """The answer to something that we do not understand."""


class PlanList(Message, frozen=True, kw_only=True, tag="plan_list"):
    """The plans that are for sale."""


class WaysToPay(Message, frozen=True, kw_only=True, tag="ways_to_pay"):
    """How a plan or a top-up can be paid; `balance` is what the user has."""

    item: str
    balance: Money


class TopUpList(Message, frozen=True, kw_only=True, tag="top_up_list"):
    """The amounts that can be added to the balance."""

    balance: Money


class Account(Message, frozen=True, kw_only=True, tag="account"):
    """What the user has and until when; `connected` once a node has confirmed the key."""

    balance: Money
    title: str | None = None
    expires_at: datetime | None = None
    active: bool = False
    connected: bool = False
    uuid: str | None = None
    token: str | None = None


class StarsInvoice(Message, frozen=True, kw_only=True, tag="stars_invoice"):
    """An invoice in Telegram Stars."""

    purchase_id: int
    title: str
    price: Money


class CryptoInvoice(Message, frozen=True, kw_only=True, tag="crypto_invoice"):
    """The address of a Crypto Pay invoice."""

    purchase_id: int
    title: str
    price: Money
    url: str


class ConfirmBalance(Message, frozen=True, kw_only=True, tag="confirm_balance"):
    """Asks whether to pay from the balance."""

    purchase_id: int
    title: str
    price: Money
    balance: Money


class NotEnough(Message, frozen=True, kw_only=True, tag="not_enough"):
    """The balance does not cover the price; `missing` is what is to be added (F6)."""

    title: str
    missing: Money


class NotForSale(Message, frozen=True, kw_only=True, tag="not_for_sale"):
    """A button of an old message names something that is no longer sold or not theirs."""


class ProviderUnavailable(Message, frozen=True, kw_only=True, tag="provider_unavailable"):
    """A payment provider does not answer; nothing was charged."""

    title: str


class Paid(Message, frozen=True, kw_only=True, tag="paid"):
    """A plan was paid; `connecting` while its access is still on the way to the nodes."""

    title: str
    price: Money
    expires_at: datetime
    connecting: bool


class ToppedUp(Message, frozen=True, kw_only=True, tag="topped_up"):
    """The balance was topped up."""

    credit: Money
    balance: Money


class AlreadyPaid(Message, frozen=True, kw_only=True, tag="already_paid"):
    """A second tap on something that is paid already."""

    title: str


class UnderReview(Message, frozen=True, kw_only=True, tag="under_review"):
    """Money arrived that does not settle a purchase; it is kept for the user and a person looks at it."""

    amount: Money
    reason: str


class AccessReady(Message, frozen=True, kw_only=True, tag="access_ready"):
    """The key works: link, QR code and subscription address."""

    uuid: str
    token: str
    expires_at: datetime


class Expired(Message, frozen=True, kw_only=True, tag="expired"):
    """The paid time is over and access is cut."""

    title: str


AnyMessage = (
    Home
    | Help
    | PlanList
    | WaysToPay
    | TopUpList
    | Account
    | StarsInvoice
    | CryptoInvoice
    | ConfirmBalance
    | NotEnough
    | NotForSale
    | ProviderUnavailable
    | Paid
    | ToppedUp
    | AlreadyPaid
    | UnderReview
    | AccessReady
    | Expired
)


def encode(message: Message) -> str:
    """Write a message as the JSON that the outbox stores."""
    return msgspec.json.encode(message).decode()


def decode(body: str) -> AnyMessage:
    """Read what `encode` wrote; raises `msgspec.ValidationError` for anything else."""
    message: AnyMessage = msgspec.json.decode(body, type=AnyMessage)
    return message
