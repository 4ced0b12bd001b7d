"""Writing what a batch decided: the net changes of every table, set-based, in one transaction with one commit."""

from collections.abc import Callable
from typing import Any, Final

from domain.draft import Rows, View
from storage.connection import TrioConnection
from storage.tables import (
    ACCOUNTS,
    ACTS,
    ANSWERS,
    GIFTS,
    GRANTS,
    ORPHANS,
    OUTBOX,
    PAYMENTS,
    PERIODS,
    PROMO_USES,
    PROMOS,
    PROVISIONS,
    PURCHASES,
    REDEMPTIONS,
    REFUNDS,
    REVIEWS,
    REWARDS,
    SUBSCRIPTIONS,
    TRANSFERS,
    UPDATES,
    USERS,
    Table,
)

#: The tables in an order that satisfies every foreign key.
_ORDER: Final[list[tuple[Table[Any], Callable[[View], Rows[Any, Any]]]]] = [
    (PROMOS, lambda view: view.promos),
    (USERS, lambda view: view.users),
    (PROMO_USES, lambda view: view.promo_uses),
    (ACCOUNTS, lambda view: view.accounts),
    (TRANSFERS, lambda view: view.transfers),
    (PURCHASES, lambda view: view.purchases),
    (GIFTS, lambda view: view.gifts),
    (PAYMENTS, lambda view: view.payments),
    (REVIEWS, lambda view: view.reviews),
    (REFUNDS, lambda view: view.refunds),
    (REWARDS, lambda view: view.rewards),
    (ACTS, lambda view: view.acts),
    (REDEMPTIONS, lambda view: view.redemptions),
    (SUBSCRIPTIONS, lambda view: view.subscriptions),
    (PERIODS, lambda view: view.periods),
    (GRANTS, lambda view: view.grants),
    (PROVISIONS, lambda view: view.provisions),
    (ORPHANS, lambda view: view.orphans),
    (OUTBOX, lambda view: view.outbox),
    (UPDATES, lambda view: view.updates),
    (ANSWERS, lambda view: view.answers),
]


def no_step(_: str) -> None:
    """Where nobody watches the steps."""


async def flush(
    connection: TrioConnection, decided: View, epoch: int, step: Callable[[str], None] = no_step
) -> None:
    """Write the changes and commit once; `step` is told the name of each step as it has been taken (crash tests).

    Raises `psycopg.Error`: nothing was written then, unless the connection was lost at the commit.
    """
    async with connection.transaction():
        await connection.execute("SELECT assert_claim(%s)", [epoch], prepare=True)
        step("claim checked")
        for table, rows in _ORDER:
            new, changed = rows(decided).split()
            if new:
                await connection.execute(table.insert_sql, table.arrays(new), prepare=True)
                step(f"{table.name} inserted")
            if changed and table is not ACCOUNTS:
                await connection.execute(table.update_sql, table.arrays(changed), prepare=True)
                step(f"{table.name} updated")
        step("before commit")
    step("committed")
