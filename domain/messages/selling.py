"""What people are told about orders and money."""

from datetime import datetime

from domain.messages.base import Message
from domain.money import Money


class StarsInvoice(Message, frozen=True, kw_only=True, tag="stars_invoice"):
    """An invoice in Telegram Stars."""

    purchase_id: int
    title: str
    price: Money


class CardInvoice(Message, frozen=True, kw_only=True, tag="card_invoice"):
    """An invoice in the shop's currency, paid by card within Telegram."""

    purchase_id: int
    title: str
    price: Money


class StarsSubscription(Message, frozen=True, kw_only=True, tag="stars_subscription"):
    """The address of an invoice that charges the same Stars every 30 days until it is cancelled."""

    title: str
    price: Money
    url: str


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
    """A plan was paid; `connecting` while its access is on the way to the nodes, `delayed` if that may take long."""

    title: str
    price: Money
    expires_at: datetime
    connecting: bool
    delayed: bool = False


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
