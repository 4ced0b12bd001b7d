"""Writing what a batch decided: the net changes of every table, set-based, in one transaction with one commit."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

from domain.draft import Rows, View
from storage.claim import assert_claim
from storage.connection import TrioConnection
from storage.tables import (
    ACCOUNTS,
    ACTS,
    ANSWERS,
    BROADCASTS,
    GIFTS,
    GRANTS,
    LISTINGS,
    NODE_RUNS,
    NODE_USAGE,
    NOTICE_MARKS,
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
    SWITCHES,
    TRANSFERS,
    UPDATES,
    USAGE,
    USERS,
    Table,
)
from storage.transactions import transact

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
    (NODE_RUNS, lambda view: view.node_runs),
    (NODE_USAGE, lambda view: view.node_usage),
    (USAGE, lambda view: view.usage),
    (BROADCASTS, lambda view: view.broadcasts),
    (LISTINGS, lambda view: view.listings),
    (OUTBOX, lambda view: view.outbox),
    (NOTICE_MARKS, lambda view: view.notice_marks),
    (SWITCHES, lambda view: view.switches),
    (UPDATES, lambda view: view.updates),
    (ANSWERS, lambda view: view.answers),
]


def no_step(_: str) -> None:
    """Where nobody watches the steps."""


#: Sends the changes of a view since it was sent last.
Send = Callable[[View], Awaitable[None]]


async def in_one_transaction(
    connection: TrioConnection,
    epoch: int,
    write: Callable[[Send], Awaitable[None]],
    step: Callable[[str], None],
) -> None:
    """Have `write` send changes in a transaction under the claim, which is committed once at its end.

    Nothing is waited for while sending, so the server writes while the next commands are decided; one answer is awaited
    before the commit. `step` is told the name of each step as it has been taken (crash tests).
    Raises `psycopg.Error`: nothing was written then, unless the connection was lost at the commit.
    """
    async with connection.pipeline() as pipeline:

        async def work() -> None:
            await assert_claim(connection, epoch)
            step("claim sent")
            await write(partial(_send, connection, step))
            await pipeline.sync()
            step("before commit")

        await transact(connection, work)
    step("committed")


async def _send(connection: TrioConnection, step: Callable[[str], None], view: View) -> None:
    """Send the changes of a view since it was sent last."""
    for table, rows in _ORDER:
        new, changed = rows(view).settle()
        if new:
            await connection.execute(table.insert_sql, table.arrays(new), prepare=True)
            step(f"new {table.name} sent")
        if changed and table is not ACCOUNTS:
            await connection.execute(table.update_sql, table.arrays(changed), prepare=True)
            step(f"changed {table.name} sent")
