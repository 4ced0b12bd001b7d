"""Commands about buying, and the money that arrives."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from domain.commands.base import Command, Needs, Person
from domain.entities import PaymentOutcome, Provider
from domain.money import Money


@dataclass(frozen=True, slots=True)
class PurchaseStarted:
    """A purchase exists with its terms fixed; its title is in the buyer's language."""

    purchase_id: int
    title: str
    price: Money


@dataclass(frozen=True, slots=True)
class StartPurchase(Command[PurchaseStarted | None]):
    """Fix the terms of buying an item (`plan:month`, `gift:month`, `top_up:500`) through a provider.

    None if it is not for sale, or the promo code of the person does not hold any more (they are told). Stars, cards and
    balance have their invoice or question sent at once; one that has an address, Crypto Pay's and that of a Stars
    subscription (`recurring`), follows with `AttachInvoice`.
    """

    reply_type: ClassVar[object] = PurchaseStarted | None
    update_id: int
    person: Person
    item: str
    provider: Provider
    replaces: int | None = None
    recurring: bool = False

    def needs(self) -> Needs:
        return Needs(users=(self.person.id,), updates=(self.update_id,))

    def key(self) -> str | None:
        return f"update:{self.update_id}:start"


@dataclass(frozen=True, slots=True)
class AttachInvoice(Command[None]):
    """Record the invoice that a provider made for a purchase, and send its address."""

    reply_type: ClassVar[object] = None
    update_id: int
    purchase_id: int
    invoice_id: str
    url: str
    replaces: int | None = None

    def needs(self) -> Needs:
        return Needs(purchases=(self.purchase_id,), updates=(self.update_id,))


@dataclass(frozen=True, slots=True)
class ReportUnavailable(Command[None]):
    """Tell a person that the provider did not make an invoice, and finish the update."""

    reply_type: ClassVar[object] = None
    update_id: int
    purchase_id: int
    replaces: int | None = None

    def needs(self) -> Needs:
        return Needs(purchases=(self.purchase_id,), updates=(self.update_id,))


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a payment; the same for every delivery of it."""

    payment_id: int
    outcome: PaymentOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalizePayment(Command[Receipt]):
    """A provider says that this charge was paid: one payment, one transfer, one thing given, one message (F1, F2, F5).

    `purchase_id` and `payer` are what the provider's payload says, None where it names nothing of ours. `paid_at` is
    the provider's own time. `repeated`: of a subscription, so that a second charge of a purchase is its next period.
    """

    reply_type: ClassVar[object] = Receipt
    provider: Provider
    charge_id: str
    amount: Money
    purchase_id: int | None
    payer: int | None
    update_id: int | None = None
    paid_at: datetime | None = None
    repeated: bool = False

    def needs(self) -> Needs:
        return Needs(
            users=() if self.payer is None else (self.payer,),
            purchases=() if self.purchase_id is None else (self.purchase_id,),
            charges=((self.provider, self.charge_id),),
            updates=() if self.update_id is None else (self.update_id,),
            inviters=True,
        )

    def key(self) -> str | None:
        return f"payment:{self.provider}:{self.charge_id}"


@dataclass(frozen=True, slots=True)
class PayFromBalance(Command[Receipt | None]):
    """Pay a purchase of one's own from the balance; None where it is refused (the person is told why)."""

    reply_type: ClassVar[object] = Receipt | None
    update_id: int
    person: Person
    purchase_id: int
    replaces: int | None = None

    def needs(self) -> Needs:
        return Needs(
            users=(self.person.id,),
            purchases=(self.purchase_id,),
            updates=(self.update_id,),
            inviters=True,
        )

    def key(self) -> str | None:
        return f"update:{self.update_id}:pay"


@dataclass(frozen=True, slots=True)
class LapseInvoices(Command[int]):
    """Give back the promo uses that these unpaid invoices hold, if their time is over; answered by how many lapsed."""

    reply_type: ClassVar[object] = int
    purchase_ids: tuple[int, ...]

    def needs(self) -> Needs:
        return Needs(purchases=self.purchase_ids)


class Renewal(StrEnum):
    """What became of a try to renew; `SHORT`: the balance does not cover it, and the person was told."""

    RENEWED = "renewed"
    SHORT = "short"
    NOT_DUE = "not_due"


@dataclass(frozen=True, slots=True)
class AutoRenew(Command[Renewal]):
    """Renew a subscription from its user's balance if it is due; answered by what became of it (F3, F4, F6)."""

    reply_type: ClassVar[object] = Renewal
    subscription_id: int

    def needs(self) -> Needs:
        return Needs(subscriptions=(self.subscription_id,), inviters=True)


@dataclass(frozen=True, slots=True)
class RenewNow(Command[None]):
    """A person taps the button that renews their plan as long as this period is their last one."""

    reply_type: ClassVar[object] = None
    update_id: int
    person: Person
    period: int
    replaces: int | None = None

    def needs(self) -> Needs:
        return Needs(users=(self.person.id,), updates=(self.update_id,), inviters=True)

    def key(self) -> str | None:
        return f"update:{self.update_id}:renew"


@dataclass(frozen=True, slots=True)
class SetAutoRenewal(Command[None]):
    """A person switches the renewal of their subscription from the balance on or off."""

    reply_type: ClassVar[object] = None
    update_id: int
    person: Person
    on: bool
    replaces: int | None = None

    def needs(self) -> Needs:
        return Needs(users=(self.person.id,), updates=(self.update_id,))

    def key(self) -> str | None:
        return f"update:{self.update_id}:auto_renewal"
