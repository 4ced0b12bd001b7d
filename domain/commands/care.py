"""Commands about money on its way back, payments that were not as asked, and what an operator does by hand.

An operator's command carries who they are, why, and a `request` that a repeat carries again: it takes effect once.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from domain.commands.base import Command, Needs
from domain.entities import Audience, PromoKind, Provider, ReviewAction
from domain.money import Money


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of an operator's command: done, or a sentence that says why not; `number` is that of what it made."""

    done: bool
    why: str = ""
    number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorCommand(Command[Verdict]):
    """Base of what operators do: `by` is who, `reason` why (F14)."""

    reply_type: ClassVar[object] = Verdict
    request: str
    by: str
    reason: str

    def key(self) -> str | None:
        return f"operator:{self.request}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AskRefund(OperatorCommand):
    """Send a payment back. From the balance it is done at once, elsewhere the provider has to do it first (F11)."""

    payment_id: int

    def needs(self) -> Needs:
        return Needs(payments=(self.payment_id,))


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRefund(Command[bool]):
    """A provider, or whoever did it by hand, says that a charge went back: taken back by the policy, once (F11).

    `amount`, `purchase_id` and `payer` are what the provider says of the charge, for one that we never heard of.
    Answered by whether it was news.
    """

    reply_type: ClassVar[object] = bool
    provider: Provider
    charge_id: str
    amount: Money
    purchase_id: int | None
    payer: int | None
    by: str
    update_id: int | None = None

    def needs(self) -> Needs:
        return Needs(
            users=() if self.payer is None else (self.payer,),
            purchases=() if self.purchase_id is None else (self.purchase_id,),
            charges=((self.provider, self.charge_id),),
            updates=() if self.update_id is None else (self.update_id,),
        )

    def key(self) -> str | None:
        return f"refund:{self.provider}:{self.charge_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefuseRefund(Command[None]):
    """The provider will not send this payment back; the operator can ask again."""

    reply_type: ClassVar[object] = None
    payment_id: int
    error: str

    def needs(self) -> Needs:
        return Needs(payments=(self.payment_id,))


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleReview(OperatorCommand):
    """Settle a payment that was not as asked, in one step (F10).

    `credit` puts `amount` (what it is worth, if left out) on the balance of `user_id` (whose it is), `grant` gives the
    purchase or `item`, `refund` sends it back, `ignore` ends it.
    """

    payment_id: int
    action: ReviewAction
    user_id: int | None = None
    amount: Money | None = None
    item: str | None = None

    def needs(self) -> Needs:
        return Needs(
            payments=(self.payment_id,),
            users=() if self.user_id is None else (self.user_id,),
            inviters=True,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute(OperatorCommand):
    """Note that a payment is disputed at its provider; settle it by `refund` (lost) or `ignore` (won)."""

    payment_id: int

    def needs(self) -> Needs:
        return Needs(payments=(self.payment_id,))


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantTime(OperatorCommand):
    """Give a user days of access."""

    user_id: int
    days: int

    def needs(self) -> Needs:
        return Needs(users=(self.user_id,))


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustBalance(OperatorCommand):
    """Add to a user's balance, or take from it what is there."""

    user_id: int
    amount: Money

    def needs(self) -> Needs:
        return Needs(users=(self.user_id,))


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeAccess(OperatorCommand):
    """End a user's access now."""

    user_id: int

    def needs(self) -> Needs:
        return Needs(users=(self.user_id,))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReissueKey(OperatorCommand):
    """Give a user another key and address; the old ones end."""

    user_id: int

    def needs(self) -> Needs:
        return Needs(users=(self.user_id,))


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveTraffic(OperatorCommand):
    """Add so many bytes to what a user's plan may move."""

    user_id: int
    traffic: int

    def needs(self) -> Needs:
        return Needs(users=(self.user_id,))


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePromo(OperatorCommand):
    """Make a promo code; what it gives and to whom is in its fields, as in `domain.entities.Promo`."""

    code: str
    kind: PromoKind
    percent: int | None = None
    amount: Money | None = None
    days: int | None = None
    max_uses: int | None = None
    per_user: int = 1
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    first_purchase_only: bool = False
    audience: Audience = Audience.EVERYONE
    plan: str | None = None

    def needs(self) -> Needs:
        return Needs(codes=(self.code.upper(),))


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchPromo(OperatorCommand):
    """Switch a promo code off, or on again; invoices that hold it are honoured."""

    code: str
    enabled: bool

    def needs(self) -> Needs:
        return Needs(codes=(self.code.upper(),))
