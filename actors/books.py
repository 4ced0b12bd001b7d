"""What an operator reads of the money: payments under review, a user's payments and statement, a report, the checks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from actors.reading import Reading
from domain.money import Money
from storage.invariants import INVARIANTS

PAGE: Final = 200

_REVIEWS: Final = """
    SELECT r.payment_id, r.reason, r.opened_at, r.user_id, r.action, r.settled_by, r.note, r.settled_at,
        p.provider, p.charge_id, p.amount, p.amount_currency, q.title
    FROM reviews r JOIN payments p ON p.id = r.payment_id LEFT JOIN purchases q ON q.id = p.purchase_id
    WHERE r.payment_id > %s AND (%s OR r.action IS NULL)
    ORDER BY r.payment_id LIMIT %s
"""

_PAYMENTS: Final = """
    SELECT p.id, p.created_at, p.provider, p.charge_id, p.amount, p.amount_currency, p.outcome,
        p.purchase_id, q.title, r.action, r.reason, f.state AS refund, g.ready
    FROM payments p LEFT JOIN purchases q ON q.id = p.purchase_id
        LEFT JOIN reviews r ON r.payment_id = p.id LEFT JOIN refunds f ON f.payment_id = p.id
        LEFT JOIN subscriptions s ON s.user_id = q.user_id LEFT JOIN grants g ON g.subscription_id = s.id
    WHERE (p.user_id = %s OR q.user_id = %s) AND p.id > %s
    ORDER BY p.id LIMIT %s
"""

_STATEMENT: Final = """
    SELECT t.id, t.created_at, t.cause, t.cause_id, a.currency,
        CASE WHEN t.credit = a.id THEN t.amount ELSE -t.amount END AS amount,
        sum(CASE WHEN t.credit = a.id THEN t.amount ELSE -t.amount END)
            OVER (PARTITION BY a.id ORDER BY t.id)::bigint AS balance
    FROM accounts a JOIN transfers t ON t.credit = a.id OR t.debit = a.id
    WHERE a.kind = 'balance' AND a.owner = %s
    ORDER BY t.id LIMIT %s
"""

# What a payment was for: what it settled, or what an operator gave for it; nothing while neither was decided, and where
# it went to a balance instead.

_TAKEN: Final = """
    SELECT p.provider, coalesce(CASE WHEN p.outcome IN ('accepted', 'late', 'by_another', 'overpaid') THEN q.item
            ELSE g.item END, '') AS item, p.amount_currency AS currency,
        count(*)::bigint AS payments, sum(p.amount)::bigint AS paid, 0::bigint AS refunds, 0::bigint AS returned
    FROM payments p LEFT JOIN purchases q ON q.id = p.purchase_id
        LEFT JOIN reviews r ON r.payment_id = p.id LEFT JOIN purchases g ON g.id = r.purchase_id
    WHERE p.created_at >= %s AND p.created_at < %s
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3 LIMIT 1000
"""

_RETURNED: Final = """
    SELECT p.provider, coalesce(CASE WHEN p.outcome IN ('accepted', 'late', 'by_another', 'overpaid') THEN q.item
            ELSE g.item END, '') AS item, p.amount_currency AS currency,
        0::bigint AS payments, 0::bigint AS paid, count(*)::bigint AS refunds, sum(p.amount)::bigint AS returned
    FROM refunds f JOIN payments p ON p.id = f.payment_id LEFT JOIN purchases q ON q.id = p.purchase_id
        LEFT JOIN reviews r ON r.payment_id = p.id LEFT JOIN purchases g ON g.id = r.purchase_id
    WHERE f.state = 'done' AND f.settled_at >= %s AND f.settled_at < %s
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3 LIMIT 1000
"""


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """A payment that was not as asked, and how it was settled."""

    payment_id: int
    reason: str
    opened_at: datetime
    user_id: int | None
    action: str | None
    settled_by: str | None
    note: str | None
    settled_at: datetime | None
    provider: str
    charge_id: str
    amount: int
    amount_currency: str
    title: str | None


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """A payment of a user, or for what they ordered."""

    id: int
    created_at: datetime
    provider: str
    charge_id: str
    amount: int
    amount_currency: str
    outcome: str
    purchase_id: int | None
    title: str | None
    action: str | None
    reason: str | None
    refund: str | None
    ready: bool | None

    @property
    def state(self) -> str:
        """The one word for how it stands: paid and usable are two facts."""
        if self.refund == "done":
            return "refunded"
        if self.refund == "asked":
            return "refund asked"
        if self.reason == "disputed" and self.action is None:
            return "disputed"
        if self.outcome == "accepted":
            return "granted" if self.ready is not False else "paid"
        return self.outcome if self.action is None else f"{self.outcome}: {self.action}"


@dataclass(frozen=True, slots=True)
class StatementRow:
    """A movement on a user's balance; `amount` is negative for what was taken."""

    id: int
    created_at: datetime
    cause: str
    cause_id: int
    currency: str
    amount: int
    balance: int


@dataclass(frozen=True, slots=True)
class ReportRow:
    """What was taken and returned in a time, by provider and thing sold."""

    provider: str
    item: str
    currency: str
    payments: int
    paid: int
    refunds: int
    returned: int


@dataclass(frozen=True, slots=True)
class _Found:
    found: str


@dataclass(frozen=True, slots=True)
class Checked:
    """One thing that must be true, with what was found against it."""

    requirement: str
    asked: str
    found: tuple[str, ...]


def money(minor: int, currency: str) -> str:
    """An amount of a row as people read it."""
    return str(Money(minor, currency))


class Books:
    """Reads for operators; `reader` is the actor that reads."""

    def __init__(self, readers: Reading, reader: str) -> None:
        self._readers = readers
        self._reader = reader

    async def reviews(self, *, settled_too: bool, after: int = 0) -> Sequence[ReviewRow]:
        """A page of payments under review, oldest first."""
        return await self._readers.fetch(ReviewRow, _REVIEWS, (after, settled_too, PAGE), reader=self._reader)

    async def payments(self, user_id: int, after: int = 0) -> Sequence[PaymentRow]:
        """A page of what a user paid, or was paid for them, oldest first."""
        return await self._readers.fetch(
            PaymentRow, _PAYMENTS, (user_id, user_id, after, PAGE), reader=self._reader
        )

    async def statement(self, user_id: int) -> Sequence[StatementRow]:
        """The movements on a user's balance, oldest first, at most 10,000."""
        return await self._readers.fetch(StatementRow, _STATEMENT, (user_id, 10_000), reader=self._reader)

    async def report(self, since: datetime, until: datetime) -> Sequence[ReportRow]:
        """What was taken and what was returned from `since` on and before `until`."""
        rows: dict[tuple[str, str, str], ReportRow] = {}
        taken = await self._readers.fetch(ReportRow, _TAKEN, (since, until), reader=self._reader)
        returned = await self._readers.fetch(ReportRow, _RETURNED, (since, until), reader=self._reader)
        for row in (*taken, *returned):
            key = (row.provider, row.item, row.currency)
            known = rows.get(key, ReportRow(*key, 0, 0, 0, 0))
            rows[key] = ReportRow(
                *key,
                known.payments + row.payments,
                known.paid + row.paid,
                known.refunds + row.refunds,
                known.returned + row.returned,
            )
        return [rows[key] for key in sorted(rows)]

    async def check(self) -> Sequence[Checked]:
        """Ask everything that must be true of the books, each in a statement of its own."""
        checked = []
        for requirement, asked, statement in INVARIANTS:
            found = await self._readers.fetch(_Found, statement, reader=self._reader)
            checked.append(Checked(requirement, asked, tuple(row.found for row in found)))
        return checked
