"""What a payment provider gives, so that another one is a file: invoices, their state, everything paid, refunds.

A provider reports money in two values, `Charge` and `Refund`, however it learns of them: asked for an invoice (poll),
asked for everything (sweep), or told by a webhook. Whoever hears of one hands it to the writer, where its charge id
makes it count once. What a provider cannot do it inherits: the methods here say what that means.

A provider speaks Trio. One whose library only speaks asyncio runs it through trio-asyncio, in its own file.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from starlette.routing import Route

from domain.entities import Provider
from domain.money import Money


class Refused(Exception):
    """The provider will not do it, now or later; nothing was done. The text is its reason."""


class TryLater(Exception):
    """The provider did not answer, or not now: ask again, not before `after` seconds where it said so."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What an invoice asks for. `payload` comes back with the payment; `monthly` is charged again every 30 days."""

    price: Money
    title: str
    description: str
    payload: str
    payable_seconds: int
    monthly: bool = False


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice at a provider: its name there, and the address where a person pays it."""

    invoice_id: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """Money was paid. `charge_id` is the provider's own name for it, and never the same for two payments.

    `payer` is whom the provider saw paying, None where it does not know. `repeated`: a charge of a subscription, the
    first or a later one; which of them is heard of first, nobody can tell.
    """

    charge_id: str
    amount: Money
    payload: str | None
    payer: int | None
    paid_at: datetime | None
    repeated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """The money of a charge went back, whoever decided it."""

    charge_id: str
    amount: Money
    payload: str | None
    payer: int | None


@dataclass(frozen=True, slots=True)
class InvoiceState:
    """How an invoice stands; `charge` once it is paid."""

    invoice_id: str
    status: Literal["open", "paid", "expired"]
    charge: Charge | None = None


@dataclass(frozen=True, slots=True)
class Swept:
    """A part of everything that happened: `found`, and the `point` from which to go on.

    With `more` there is more to be had at once; without, `point` is where the next sweep begins.
    """

    found: tuple[Charge | Refund, ...]
    point: str
    more: bool


class PaymentProvider(Protocol):
    """Subclass and define what the provider can do. Every method may raise `TryLater`."""

    name: Provider

    async def invoice(self, order: Order) -> Invoice | None:
        """Make an invoice; None where Telegram's own invoice message is one. Raises `Refused`."""
        return None

    async def ask(self, invoice_ids: Sequence[str]) -> Sequence[InvoiceState]:
        """How these invoices stand; those that cannot be asked about are left out."""
        return ()

    async def sweep(self, point: str, count: int) -> Swept:
        """What happened since `point`, at most `count` (up to 100) payments and refunds.

        The empty point is the beginning of everything. To tell something twice is harmless, to leave something out is
        not.
        """
        return Swept((), point, more=False)

    async def refund(self, charge_id: str, payer: int) -> None:
        """Send the whole charge back; done already is done. Raises `Refused` where the provider will not."""
        raise Refused(f"{self.name} cannot send money back: return it by hand and record that")

    def webhook(
        self, path: str, now: Callable[[], datetime], accept: Callable[[Charge], Awaitable[None]]
    ) -> Route | None:
        """Where the provider tells of payments; None where it tells nobody.

        What it did not sign, or signed long before `now`, must not reach `accept`. Confirm to it only what `accept`
        returned from. It is a hint that saves waiting: nothing depends on its coming.
        """
        return None

    async def stop(self, charge_id: str, payer: int) -> None:
        """Charge the subscription that a charge belongs to no more; raises `Refused` if there is none."""
        raise Refused(f"{self.name} has no subscriptions")
