"""What is ordered, and the money that arrives for it."""

from datetime import datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct

from domain.money import Money


class Provider(StrEnum):
    """Where a payment comes from."""

    STARS = "stars"
    CARDS = "cards"
    CRYPTOPAY = "cryptopay"
    BALANCE = "balance"


class PurchaseKind(StrEnum):
    """What a purchase gives."""

    PLAN = "plan"
    TOP_UP = "top_up"
    GIFT = "gift"
    RENEWAL = "renewal"


class PurchaseStatus(StrEnum):
    """Invoiced until a payment settles it; one that lapsed is still honoured when it is paid after all."""

    INVOICED = "invoiced"
    LAPSED = "lapsed"
    PAID = "paid"
    REFUNDED = "refunded"


class PaymentOutcome(StrEnum):
    """What a payment was when it was compared with what had been asked (F10); docs/money.md says what follows."""

    ACCEPTED = "accepted"
    LATE = "late"
    BY_ANOTHER = "by_another"
    OVERPAID = "overpaid"
    UNDERPAID = "underpaid"
    DUPLICATE = "duplicate"
    WRONG_CURRENCY = "wrong_currency"
    UNKNOWN_PURCHASE = "unknown_purchase"

    @property
    def settles(self) -> bool:
        """Whether the purchase is paid by it."""
        return self in _SETTLING


_SETTLING: Final = frozenset(
    {PaymentOutcome.ACCEPTED, PaymentOutcome.LATE, PaymentOutcome.BY_ANOTHER, PaymentOutcome.OVERPAID}
)


class Purchase(Struct, frozen=True, gc=False):
    """An order with its terms fixed at the invoice: what was asked, and what it gives.

    `value` is its price in the shop's currency: whatever else was paid is worth so much of it. `promo_held` while the
    invoice holds a use of its promo code. A Stars subscription is `recurring`, and each later charge of it is a
    purchase that `renews` the first. `traffic` in bytes and `devices` are what a plan is for, None is no limit.
    """

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
    value: Money | None = None
    promo_code: str | None = None
    promo_held: bool = False
    gift_code: str | None = None
    recurring: bool = False
    renews: int | None = None
    valid_until: datetime | None = None
    traffic: int | None = None
    devices: int | None = None


class Payment(Struct, frozen=True, gc=False):
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
