"""What is ordered, and the money that arrives for it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.money import Money


class Provider(StrEnum):
    """Where a payment comes from."""

    STARS = "stars"
    CRYPTOPAY = "cryptopay"
    BALANCE = "balance"


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
