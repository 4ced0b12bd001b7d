"""The facts that the database keeps, one frozen value for each row.

Rows are never changed in place: a decision puts a new value where the old one was (`domain.draft`).
Names and fields are the columns of `storage/migrations`; `storage.tables` maps one to the other.
A `trace` is the causal id of the command that wrote the row, None where nothing led to it.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from domain.money import Money

#: The owner of the accounts that belong to the shop itself.
SHOP: Final = 0


class Provider(StrEnum):
    """Where a payment comes from."""

    STARS = "stars"
    CRYPTOPAY = "cryptopay"
    BALANCE = "balance"


class AccountKind(StrEnum):
    """The accounts of the ledger; only `BALANCE` belongs to users, and only it can never be overdrawn."""

    BALANCE = "balance"
    REVENUE = "revenue"
    STARS_CLEARING = "stars_clearing"
    CRYPTOPAY_CLEARING = "cryptopay_clearing"
    EXCHANGE = "exchange"
    SUSPENSE = "suspense"


class PurchaseKind(StrEnum):
    """What a purchase gives."""

    PLAN = "plan"
    TOP_UP = "top_up"


class PurchaseStatus(StrEnum):
    """Invoiced until a payment that settles it has been accepted."""

    INVOICED = "invoiced"
    PAID = "paid"


class PaymentOutcome(StrEnum):
    """What became of money that arrived; everything but `ACCEPTED` lies in the suspense account (F10)."""

    ACCEPTED = "accepted"
    UNKNOWN_PURCHASE = "unknown_purchase"
    DUPLICATE = "duplicate"
    UNDERPAID = "underpaid"
    OVERPAID = "overpaid"
    WRONG_CURRENCY = "wrong_currency"


class SubscriptionStatus(StrEnum):
    """Active until its end has been decided by the writer."""

    ACTIVE = "active"
    EXPIRED = "expired"


class MessageState(StrEnum):
    """Where an outbox row is; `UNKNOWN` may have arrived and is not sent again."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class User:
    """A person who has written to the bot; the id is Telegram's."""

    id: int
    first_name: str
    username: str | None
    language: str | None
    created_at: datetime
    unreachable_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the ledger; its sums are posted by the database from transfers, never written by us."""

    id: int
    kind: AccountKind
    owner: int
    currency: str
    debits: int = 0
    credits: int = 0

    @property
    def balance(self) -> Money:
        """What the account holds: credits less debits."""
        return Money(self.credits - self.debits, self.currency)


@dataclass(frozen=True, slots=True)
class Transfer:
    """Money moved from one account (debit) to another (credit); balanced by construction, never changed (F8).

    `cause` and `cause_id` name the one fact that it follows from (I7).
    """

    id: int
    debit: int
    credit: int
    amount: Money
    cause: str
    cause_id: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Purchase:
    """An order with its terms fixed at the invoice: what was asked, and what it gives."""

    id: int
    user_id: int
    kind: PurchaseKind
    item: str
    title: str
    provider: Provider
    price: Money
    duration_seconds: int | None
    credit: Money | None
    status: PurchaseStatus
    created_at: datetime
    invoice_id: str | None = None
    invoice_url: str | None = None
    paid_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that a provider says has arrived; `charge_id` is the provider's own name for it (F5)."""

    id: int
    provider: Provider
    charge_id: str
    purchase_id: int | None
    user_id: int | None
    amount: Money
    outcome: PaymentOutcome
    transfer_id: int
    created_at: datetime
    trace: str | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """A user's paid access; UUID and address token stay the same for its whole life (U6)."""

    id: int
    user_id: int
    uuid: UUID
    token: str
    status: SubscriptionStatus
    title: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Grant:
    """What should be on every node: a version, whether the user is to be there, and whether a node has said so."""

    subscription_id: int
    uuid: UUID
    present: bool
    version: int
    ready: bool = False
    trace: str | None = None


@dataclass(frozen=True, slots=True)
class Provision:
    """What one node has confirmed of a grant."""

    subscription_id: int
    node: str
    version: int
    present: bool
    confirmed_at: datetime


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """A message to a person, written in the transaction of the fact that it tells (N1)."""

    id: int
    chat_id: int
    key: str
    kind: str
    body: str
    created_at: datetime
    not_before: datetime
    state: MessageState = MessageState.PENDING
    attempts: int = 0
    message_id: int | None = None
    error: str | None = None
    settled_at: datetime | None = None
    trace: str | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """An update from Telegram as it came in; `done_at` is set in the transaction of what it caused.

    `chat_id` is what updates are kept in order by, 0 where there is no chat.
    """

    id: int
    chat_id: int
    body: str
    received_at: datetime
    attempts: int = 0
    done_at: datetime | None = None
    error: str | None = None
    trace: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The first answer to a command with a key; a repeat of the command gets it again."""

    key: str
    command: str
    reply: str
    created_at: datetime
