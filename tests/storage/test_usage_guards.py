"""What the database refuses of counted traffic and of limits, whoever writes it."""

import psycopg
import pytest
from psycopg import errors

from domain.commands import Reading, RecordUsage
from domain.entities import Provider
from tests.fixtures.postgres import Database
from tests.storage.shop import open_desk
from tests.storage.test_writer import owner_of, paid


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE node_usage SET up = up - 1, seen_up = seen_up - 1",
        "UPDATE node_usage SET down = down - 1",
        "UPDATE node_usage SET seen_down = seen_down - 1",
        "UPDATE node_usage SET up = seen_up - 1",
        "UPDATE node_usage SET run = run - 1",
        "UPDATE usage SET up = -1",
        "UPDATE subscriptions SET stopped = 'off'",
        "UPDATE subscriptions SET traffic = 1, stopped = 'perhaps'",
        "UPDATE subscriptions SET traffic = 1, stopped = 'off', status = 'expired'",
        "UPDATE subscriptions SET traffic = -1",
        "UPDATE subscriptions SET devices = 0",
        "UPDATE purchases SET traffic = 0",
    ],
)
async def test_what_was_counted_never_shrinks_and_only_what_runs_is_stopped(
    database: Database, statement: str
) -> None:
    await count_something(database)
    with owner_of(database) as owner, pytest.raises(errors.CheckViolation):
        owner.execute(statement.encode())


@pytest.mark.parametrize("table", ["node_runs", "node_usage", "usage"])
async def test_not_even_the_writer_forgets_what_was_counted_nor_a_reader_writes_it(
    database: Database, table: str
) -> None:
    await count_something(database)
    for role in (database.writer, database.reader):
        with (
            psycopg.connect(role, autocommit=True) as connection,
            pytest.raises(errors.InsufficientPrivilege),
        ):
            connection.execute(f"DELETE FROM {table}".encode())


async def test_a_grant_that_ignores_a_stop_is_refused(database: Database) -> None:
    await count_something(database)
    with owner_of(database) as owner, pytest.raises(errors.ForeignKeyViolation):
        owner.execute("UPDATE subscriptions SET traffic = 1, stopped = 'off'")


async def count_something(database: Database) -> None:
    """A subscription that has moved something in the second run of a node."""
    async with open_desk(database.writer) as desk:
        purchase = await desk.start(Provider.STARS)
        await desk.do(paid(purchase.purchase_id))
        for epoch in ("a run", "the next"):
            await desk.do(RecordUsage("home", epoch, (Reading(1, 10, 20),)))
