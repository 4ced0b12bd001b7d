"""What administrators are told without having asked."""

from datetime import date

import msgspec

from domain.messages.base import Message
from domain.money import Money


class Notice(Message, frozen=True, kw_only=True):
    """Base of what administrators are told; `thread` is the topic of their forum that it belongs to."""

    thread: int | None = None


class MoneyLine(msgspec.Struct, frozen=True, kw_only=True):
    """A payment, or one that was sent back; `outcome` says what is wrong with a payment that is not as asked."""

    amount: Money
    provider: str
    item: str | None = None
    user_id: int | None = None
    outcome: str = "accepted"
    refund: bool = False


class MoneyNotice(Notice, frozen=True, kw_only=True, tag="money_notice"):
    """Money that came or went; beyond the lines `more`, with their sums by currency."""

    lines: list[MoneyLine]
    more: int = 0
    sums: list[Money] = msgspec.field(default_factory=list)


class AlertLine(msgspec.Struct, frozen=True, kw_only=True):
    """Something that needs an operator, or needed one and is over; `times` is how often it began."""

    actor: str
    what: str
    over: bool = False
    times: int = 1


class AlertsNotice(Notice, frozen=True, kw_only=True, tag="alerts_notice"):
    """What needs an operator; beyond the lines there are `more`."""

    lines: list[AlertLine]
    more: int = 0


class DailyReport(Notice, frozen=True, kw_only=True, tag="daily_report"):
    """A day of the shop, as its time zone has it.

    Money by currency; people who came, who paid for the first time, who renewed, and whose access ended; what is under
    review now; how many nodes there are, and which do not answer.
    """

    day: date
    revenue: list[Money]
    refunded: list[Money]
    came: int
    trials: int
    first: int
    renewed: int
    ended: int
    active: int
    reviews: int
    nodes: int
    silent: list[str] = msgspec.field(default_factory=list)
