"""Everything that can be asked of the writer: one frozen value each, with the type of its answer.

A command that comes from outside has a `key`: it is stored with the answer in the command's own transaction,
and a repeat gets the first answer. A command without a key is idempotent by what it says ("this was sent",
"this node confirmed that"). Refusals are answers, not exceptions.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Generic, TypeVar

from domain.entities import MessageState, PaymentOutcome, Provider
from domain.money import Money

R = TypeVar("R", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """The rows that a command reads, by key; what belongs to a user that these name is read too."""

    users: tuple[int, ...] = ()
    purchases: tuple[int, ...] = ()
    charges: tuple[tuple[Provider, str], ...] = ()
    subscriptions: tuple[int, ...] = ()
    outbox: tuple[int, ...] = ()
    updates: tuple[int, ...] = ()


class Command(Generic[R]):
    """Base of all commands; `Command[int]` is answered by an int."""

    #: The type of the answer, for reading a stored one back.
    reply_type: ClassVar[object]

    def needs(self) -> Needs:
        """The rows that the decision will read."""
        raise NotImplementedError

    def key(self) -> str | None:
        """The idempotency key, or None where the command is idempotent by itself."""
        return None


@dataclass(frozen=True, slots=True)
class Person:
    """Who wrote to the bot, as Telegram describes them; names are what they typed, so escape them."""

    id: int
    first_name: str
    username: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """An update as it arrived: its id, its chat (0 if it has none), and its JSON."""

    update_id: int
    chat_id: int
    body: str


@dataclass(frozen=True, slots=True)
class RecordUpdates(Command[int]):
    """Put updates in the inbox; answered by how many were new. The poll's offset moves only after this."""

    reply_type: ClassVar[object] = int
    updates: tuple[Received, ...]

    def needs(self) -> Needs:
        return Needs(updates=tuple(update.update_id for update in self.updates))


@dataclass(frozen=True, slots=True)
class PutAside(Command[bool]):
    """Count a failed try at an update; answered by whether it is given up (parked with its error)."""

    reply_type: ClassVar[object] = bool
    update_id: int
    error: str

    def needs(self) -> Needs:
        return Needs(updates=(self.update_id,))


@dataclass(frozen=True, slots=True)
class FinishUpdate(Command[None]):
    """Mark an update as done that asks for nothing."""

    reply_type: ClassVar[object] = None
    update_id: int

    def needs(self) -> Needs:
        return Needs(updates=(self.update_id,))


@dataclass(frozen=True, slots=True)
class Show(Command[None]):
    """Answer a person's update with a screen: `home`, `help`, `plans`, `top_ups`, `account` or `pay:<item>`."""

    reply_type: ClassVar[object] = None
    update_id: int
    person: Person
    screen: str
    replaces: int | None = None

    def needs(self) -> Needs:
        return Needs(users=(self.person.id,), updates=(self.update_id,))

    def key(self) -> str | None:
        return f"update:{self.update_id}:show"


@dataclass(frozen=True, slots=True)
class MarkUnreachable(Command[None]):
    """A person blocked the bot (or unblocked it); nothing else of theirs changes (N4)."""

    reply_type: ClassVar[object] = None
    update_id: int
    person: Person
    blocked: bool

    def needs(self) -> Needs:
        return Needs(users=(self.person.id,), updates=(self.update_id,))


@dataclass(frozen=True, slots=True)
class PurchaseStarted:
    """A purchase exists with its terms fixed."""

    purchase_id: int
    title: str
    price: Money


@dataclass(frozen=True, slots=True)
class StartPurchase(Command[PurchaseStarted | None]):
    """Fix the terms of buying an item (`plan:month`, `top_up:500`) through a provider; None if it is not for sale.

    Stars and balance have their invoice or question sent at once; Crypto Pay's follows with `AttachInvoice`.
    """

    reply_type: ClassVar[object] = PurchaseStarted | None
    update_id: int
    person: Person
    item: str
    provider: Provider
    replaces: int | None = None

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

    `purchase_id` and `payer` are what the provider's payload says, None where it names nothing of ours.
    """

    reply_type: ClassVar[object] = Receipt
    provider: Provider
    charge_id: str
    amount: Money
    purchase_id: int | None
    payer: int | None
    update_id: int | None = None

    def needs(self) -> Needs:
        return Needs(
            users=() if self.payer is None else (self.payer,),
            purchases=() if self.purchase_id is None else (self.purchase_id,),
            charges=((self.provider, self.charge_id),),
            updates=() if self.update_id is None else (self.update_id,),
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
        return Needs(users=(self.person.id,), purchases=(self.purchase_id,), updates=(self.update_id,))

    def key(self) -> str | None:
        return f"update:{self.update_id}:pay"


@dataclass(frozen=True, slots=True)
class ExpireSubscriptions(Command[int]):
    """End those subscriptions whose time is over in the writer's own order; answered by how many ended."""

    reply_type: ClassVar[object] = int
    subscription_ids: tuple[int, ...]

    def needs(self) -> Needs:
        return Needs(subscriptions=self.subscription_ids)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A node has, or no longer has, the user of a subscription as of a version of its grant."""

    subscription_id: int
    version: int
    present: bool


@dataclass(frozen=True, slots=True)
class ConfirmProvisions(Command[None]):
    """Record what a node confirmed (U5); the first confirmation of a presence tells the user that the key works."""

    reply_type: ClassVar[object] = None
    node: str
    confirmed: tuple[Confirmation, ...]

    def needs(self) -> Needs:
        return Needs(subscriptions=tuple(each.subscription_id for each in self.confirmed))


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleMessage(Command[None]):
    """Record what became of an outbox row: sent, failed, of unknown outcome, or to be tried again not before a time."""

    reply_type: ClassVar[object] = None
    outbox_id: int
    state: MessageState
    message_id: int | None = None
    error: str | None = None
    not_before: datetime | None = None
    unreachable: bool = field(default=False)

    def needs(self) -> Needs:
        return Needs(outbox=(self.outbox_id,))
