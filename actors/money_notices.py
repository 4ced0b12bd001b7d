"""Which money came and went since administrators were told the last time: payments, and those that were sent back."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from actors.reading import Reading
from domain.messages import MoneyLine, MoneyNotice
from domain.money import Money

#: What one message tells of; the next goes on behind it.
_PAGE: Final = 500

#: What is told of, by the names of its marks.
PAYMENTS: Final = "payments"
REFUNDS: Final = "refunds"
KINDS: Final = (PAYMENTS, REFUNDS)

_LINES: Final = 10

_PAYMENTS: Final = """
    SELECT p.id AS position, p.amount, p.amount_currency, p.provider, q.title AS item,
        coalesce(q.user_id, p.user_id) AS user_id, p.outcome, false AS refund
    FROM payments p LEFT JOIN purchases q ON q.id = p.purchase_id
    WHERE p.id > %s ORDER BY p.id LIMIT %s
"""

_REFUNDS: Final = """
    SELECT t.id AS position, p.amount, p.amount_currency, p.provider, q.title AS item,
        coalesce(q.user_id, p.user_id) AS user_id, 'accepted' AS outcome, true AS refund
    FROM transfers t JOIN payments p ON p.id = t.cause_id LEFT JOIN purchases q ON q.id = p.purchase_id
    WHERE t.cause = 'refund' AND t.id > %s ORDER BY t.id LIMIT %s
"""


_NEWEST_PAYMENT: Final = "SELECT coalesce(max(id), 0) AS position FROM payments"
_NEWEST_REFUND: Final = "SELECT coalesce(max(id), 0) AS position FROM transfers WHERE cause = 'refund'"


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the order of rows or days."""

    position: int


@dataclass(frozen=True, slots=True)
class Moved:
    """Money that came or went."""

    position: int
    amount: int
    amount_currency: str
    provider: str
    item: str | None
    user_id: int | None
    outcome: str
    refund: bool

    @property
    def money(self) -> Money:
        """How much."""
        return Money(self.amount, self.amount_currency)


class MoneyReader:
    """Reads money that moved, in the name of an actor; `kind` is one of `KINDS`. Raises `DatabaseAway`."""

    def __init__(self, readers: Reading, reader: str) -> None:
        self._readers = readers
        self._reader = reader

    async def newest(self, kind: str) -> int:
        """Where the last one stands."""
        if kind == PAYMENTS:
            [last] = await self._readers.fetch(Position, _NEWEST_PAYMENT, reader=self._reader)
        else:
            [last] = await self._readers.fetch(Position, _NEWEST_REFUND, reader=self._reader)
        return last.position

    async def after(self, kind: str, position: int) -> list[Moved]:
        """A page of those behind a position, in their order."""
        if kind == PAYMENTS:
            return await self._readers.fetch(Moved, _PAYMENTS, (position, _PAGE), reader=self._reader)
        return await self._readers.fetch(Moved, _REFUNDS, (position, _PAGE), reader=self._reader)


def notice_of(rows: Sequence[Moved], thread: int | None) -> MoneyNotice:
    """One message for all of these: what is not as asked first, and the sums of those that it does not name."""
    urgent_first = sorted(rows, key=lambda row: row.outcome == "accepted")
    named, rest = urgent_first[:_LINES], urgent_first[_LINES:]
    sums: Counter[str] = Counter()
    for row in rest:
        sums[row.amount_currency] += row.amount
    return MoneyNotice(
        lines=[
            MoneyLine(
                amount=row.money,
                provider=row.provider,
                item=row.item,
                user_id=row.user_id,
                outcome=row.outcome,
                refund=row.refund,
            )
            for row in named
        ],
        more=len(rest),
        sums=[Money(minor, currency) for currency, minor in sorted(sums.items())],
        thread=thread,
    )
