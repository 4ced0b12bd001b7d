"""What needs a person's eye: payments that are not as asked, refunds, and what an operator did by hand."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from domain.money import Money


class ReviewAction(StrEnum):
    """How a payment that was not as asked is settled, in one step."""

    CREDIT = "credit"
    GRANT = "grant"
    REFUND = "refund"
    IGNORE = "ignore"


class Review(Struct, frozen=True, gc=False):
    """A payment that was not as asked; open until somebody, or the rule for its case, has settled it (F10).

    `user_id` is who it belongs to as far as we know, `credit` what was put on their balance for it, `purchase_id` what
    an operator gave for it.
    """

    payment_id: int
    reason: str
    opened_at: datetime
    user_id: int | None = None
    credit: Money | None = None
    purchase_id: int | None = None
    action: ReviewAction | None = None
    settled_by: str | None = None
    note: str | None = None
    settled_at: datetime | None = None


class RefundState(StrEnum):
    """Asked until the provider has done or refused it."""

    ASKED = "asked"
    DONE = "done"
    REFUSED = "refused"


class Refund(Struct, frozen=True, gc=False):
    """A payment on its way back; `shortage` is what had been spent of a top-up and could not be taken back (F11)."""

    payment_id: int
    state: RefundState
    asked_by: str
    reason: str
    asked_at: datetime
    settled_at: datetime | None = None
    error: str | None = None
    shortage: Money | None = None
    trace: str | None = None


class ActKind(StrEnum):
    """What an operator can do by hand."""

    GRANT = "grant"
    ADJUST = "adjust"
    REVOKE = "revoke"
    PROMO = "promo"
    REISSUE = "reissue"
    TRAFFIC = "traffic"


class Act(Struct, frozen=True, gc=False):
    """Something an operator did by hand: who, why, when, and how much money, time, or traffic in bytes (F14)."""

    id: int
    kind: ActKind
    user_id: int | None
    done_by: str
    reason: str
    amount: Money | None
    seconds: int | None
    created_at: datetime
    traffic: int | None = None
