"""The day of a shop in numbers, as administrators are told of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from actors.reading import Reading
from domain.messages import DailyReport
from domain.money import Money

#: Money from outside: what is paid from a balance came in before.
_REVENUE: Final = """
    SELECT amount_currency AS currency, sum(amount)::bigint AS minor FROM payments
    WHERE outcome IN ('accepted', 'late', 'by_another', 'overpaid') AND provider <> 'balance'
        AND created_at >= %s AND created_at < %s
    GROUP BY 1 ORDER BY 1
"""

_REFUNDED: Final = """
    SELECT amount_currency AS currency, sum(amount)::bigint AS minor
    FROM refunds JOIN payments ON payments.id = payment_id
    WHERE state = 'done' AND settled_at >= %s AND settled_at < %s
    GROUP BY 1 ORDER BY 1
"""

_COUNTS: Final = """
    WITH paid AS (
        SELECT q.user_id, min(p.id) AS first FROM payments p JOIN purchases q ON q.id = p.purchase_id
        WHERE p.created_at >= %(since)s AND p.created_at < %(until)s AND q.kind IN ('plan', 'renewal')
            AND p.outcome IN ('accepted', 'late', 'by_another', 'overpaid')
        GROUP BY q.user_id
    ), buyers AS (
        SELECT EXISTS (
            SELECT FROM purchases q JOIN payments p ON p.purchase_id = q.id
            WHERE q.user_id = paid.user_id AND q.kind IN ('plan', 'renewal') AND p.id < paid.first
        ) AS before FROM paid
    )
    SELECT (SELECT count(*) FROM users WHERE created_at >= %(since)s AND created_at < %(until)s) AS came,
        (SELECT count(*) FROM periods WHERE cause = 'trial' AND created_at >= %(since)s AND created_at < %(until)s)
            AS trials,
        (SELECT count(*) FROM buyers WHERE NOT before) AS first,
        (SELECT count(*) FROM buyers WHERE before) AS renewed,
        (SELECT count(*) FROM subscriptions
            WHERE status <> 'active' AND expires_at >= %(since)s AND expires_at < %(until)s) AS ended,
        (SELECT count(*) FROM subscriptions WHERE status = 'active') AS active,
        (SELECT count(*) FROM reviews WHERE action IS NULL) AS reviews
"""


@dataclass(frozen=True, slots=True)
class _Sum:
    currency: str
    minor: int


@dataclass(frozen=True, slots=True)
class _Counts:
    came: int
    trials: int
    first: int
    renewed: int
    ended: int
    active: int
    reviews: int


async def daily_report(
    readers: Reading,
    since: datetime,
    until: datetime,
    *,
    nodes: Sequence[str],
    silent: Sequence[str],
    thread: int | None,
    reader: str,
) -> DailyReport:
    """Report the time from `since` on and before `until`; `silent` nodes do not answer. Raises `DatabaseAway`."""
    span = (since, until)
    revenue = await readers.fetch(_Sum, _REVENUE, span, reader=reader)
    refunded = await readers.fetch(_Sum, _REFUNDED, span, reader=reader)
    [counts] = await readers.fetch(_Counts, _COUNTS, {"since": since, "until": until}, reader=reader)
    return DailyReport(
        day=since.date(),
        revenue=[Money(each.minor, each.currency) for each in revenue],
        refunded=[Money(each.minor, each.currency) for each in refunded],
        came=counts.came,
        trials=counts.trials,
        first=counts.first,
        renewed=counts.renewed,
        ended=counts.ended,
        active=counts.active,
        reviews=counts.reviews,
        nodes=len(nodes),
        silent=sorted(silent),
        thread=thread,
    )
