"""`desk`: where operators ask and order, over the control socket of the runtime.

An order is one of the operator's commands of the domain and goes to the writer like any other; a question is answered
from the database. What is asked is JSON with its kind under `ask`, and so is the answer.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from actors.announcing import Announcer
from actors.books import Books
from actors.broadcast_list import broadcasts
from actors.correspondence import correspondence
from actors.environment import Environment
from actors.messages import CommandFailed, Write
from actors.node_report import node_report
from actors.traffic import usage_report
from domain import commands
from domain.commands import BroadcastOrder, OperatorCommand, RecordRefund, Verdict
from domain.entities import Provider
from domain.money import Money
from runtime import Actor, Ask, Context, Declined, Message

#: What may be ordered, by name.
ORDERS: Final[dict[str, type[OperatorCommand]]] = {
    each.__name__: each
    for each in vars(commands).values()
    if isinstance(each, type)
    and issubclass(each, OperatorCommand)
    and each not in (OperatorCommand, BroadcastOrder)
}


class Order(msgspec.Struct, tag_field="ask", tag="order"):
    """Have a command of an operator carried out: its name, and its fields.

    Without a `request` among them it is an order of its own; with one, a repeat of it gets the first answer.
    """

    command: str
    fields: dict[str, Any]


class ReturnedByHand(msgspec.Struct, tag_field="ask", tag="returned_by_hand"):
    """Say that a payment was sent back outside of turnpike."""

    payment_id: int
    by: str


class Reviews(msgspec.Struct, tag_field="ask", tag="reviews"):
    """Payments that were not as asked; the settled ones too if so said."""

    settled_too: bool = False
    after: int = 0


class Payments(msgspec.Struct, tag_field="ask", tag="payments"):
    """The payments of a user."""

    user_id: int
    after: int = 0


class Messages(msgspec.Struct, tag_field="ask", tag="messages"):
    """The messages to a user, the newest first, with numbers below `before`."""

    user_id: int
    before: int = 2**63 - 1


class Usage(msgspec.Struct, tag_field="ask", tag="usage"):
    """What a user moved through the nodes."""

    user_id: int


class Broadcasts(msgspec.Struct, tag_field="ask", tag="broadcasts"):
    """Broadcasts, the newest first, with numbers below `before`."""

    before: int = 2**63 - 1


class Nodes(msgspec.Struct, tag_field="ask", tag="nodes"):
    """How the nodes are; each has so many seconds to say so."""

    seconds: float = 10.0


class Statement(msgspec.Struct, tag_field="ask", tag="statement"):
    """The movements on a user's balance."""

    user_id: int


class Report(msgspec.Struct, tag_field="ask", tag="report"):
    """What was sold and returned from one moment to another."""

    since: datetime
    until: datetime


class Check(msgspec.Struct, tag_field="ask", tag="check"):
    """Whether all is true that must be true of the books."""


Question = (
    Order
    | ReturnedByHand
    | Reviews
    | Payments
    | Messages
    | Usage
    | Nodes
    | Broadcasts
    | Statement
    | Report
    | Check
)

_CHARGE: Final = """
    SELECT provider, charge_id, amount, amount_currency, purchase_id, user_id FROM payments WHERE id = %s
"""


@dataclass(frozen=True, slots=True)
class _Charge:
    provider: str
    charge_id: str
    amount: int
    amount_currency: str
    purchase_id: int | None
    user_id: int | None


class Desk(Actor):
    """Answers questions, and has orders carried out."""

    def __init__(self, context: Context, environment: Environment) -> None:
        super().__init__(context)
        self._readers = environment.readers
        self._nodes = environment.nodes
        self._books = Books(environment.readers, context.name)
        self._writer = context.ref("db_writer")
        language = environment.configuration.settings.shop.language
        self._announcer = Announcer(context, environment.readers, default=language)
        self._entropy = environment.entropy

    async def receive(self, message: Message) -> object:
        """Answer one question."""
        if not isinstance(message, Ask):
            return await super().receive(message)
        try:
            question: Question = msgspec.json.decode(message.body, type=Question)
        except msgspec.DecodeError as error:
            raise Declined(f"this question is not understood: {error}") from None
        try:
            return msgspec.json.encode(await self._answer(question)).decode()
        except CommandFailed as error:
            raise Declined(f"{error}: this is a mistake in turnpike, the log says more") from error

    async def _answer(self, question: Question) -> object:
        match question:
            case Order():
                return await self._carry_out(question)
            case ReturnedByHand():
                return await self._record_return(question)
            case Reviews():
                return await self._books.reviews(settled_too=question.settled_too, after=question.after)
            case Payments():
                rows = await self._books.payments(question.user_id, question.after)
                return [{**asdict(row), "state": row.state} for row in rows]
            case Messages(user_id, before):
                now = self.context.clock.now()
                return await correspondence(self._readers, user_id, before, now, reader=self.context.name)
            case Usage(user_id):
                now = self.context.clock.now()
                return await usage_report(self._readers, user_id, now, reader=self.context.name)
            case Broadcasts(before):
                return await broadcasts(self._readers, before, reader=self.context.name)
            case Nodes(seconds):
                return await node_report(self._nodes, self.context, self._readers, seconds)
            case Statement():
                return await self._books.statement(question.user_id)
            case Report():
                return await self._books.report(question.since, question.until)
            case Check():
                return await self._books.check()

    async def _carry_out(self, order: Order) -> Verdict:
        kind = ORDERS.get(order.command)
        if kind is None:
            raise Declined(f"there is no order {order.command!r}; there are {', '.join(sorted(ORDERS))}")
        try:
            command = msgspec.convert({"request": self._entropy(8).hex(), **order.fields}, type=kind)
        except (msgspec.ValidationError, ValueError) as error:
            raise Declined(f"{order.command}: {error}") from None
        verdict: Verdict
        if isinstance(command, BroadcastOrder):
            verdict = await self._announcer.carry_out(command)
        else:
            verdict = await self._writer.call(Write(command))
        self.context.log.info("order", order=order.command, by=command.by, done=verdict.done)
        if not verdict.done:
            raise Declined(verdict.why)
        return verdict

    async def _record_return(self, question: ReturnedByHand) -> Verdict:
        charge = await self._readers.fetch_one(
            _Charge, _CHARGE, (question.payment_id,), reader=self.context.name
        )
        if charge is None:
            raise Declined(f"there is no payment {question.payment_id}")
        news = await self._writer.call(
            Write(
                RecordRefund(
                    provider=Provider(charge.provider),
                    charge_id=charge.charge_id,
                    amount=Money(charge.amount, charge.amount_currency),
                    purchase_id=charge.purchase_id,
                    payer=charge.user_id,
                    by=question.by,
                )
            )
        )
        if not news:
            raise Declined(f"payment {question.payment_id} was refunded already")
        return Verdict(True)
