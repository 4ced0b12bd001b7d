"""The Trio connection: what a cancellation leaves behind, transactions, and losing the server."""

from contextlib import ExitStack

import psycopg
import pytest
import trio
from psycopg.pq import TransactionStatus

from storage import connection as module
from storage.connection import TrioConnection, open_connection
from tests.fixtures.postgres import Database
from tests.storage.counting import SLOW, counted, frozen, increment


async def make_commit_slow(connection: TrioConnection) -> None:
    await connection.execute(
        "CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_sleep(0.3); RETURN NULL; END $$;"
        "CREATE CONSTRAINT TRIGGER slow AFTER UPDATE ON counter"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slowly()"
    )


async def test_a_query_in_a_cancelled_scope_is_not_sent(connection: TrioConnection) -> None:
    with trio.CancelScope() as scope:
        scope.cancel()
        await increment(connection)
    assert scope.cancelled_caught
    assert await counted(connection) == 0


async def test_a_query_cancelled_in_the_middle_ends_on_the_server_and_the_connection_is_usable(
    connection: TrioConnection, database: Database
) -> None:
    with trio.move_on_after(0.05) as scope:
        await connection.execute(SLOW)
    assert scope.cancelled_caught
    assert connection.pgconn.transaction_status == TransactionStatus.IDLE
    await increment(connection)
    assert await counted(connection) == 1


async def test_without_grace_a_cancelled_query_costs_the_connection_at_once(database: Database) -> None:
    async with open_connection(database.owner, cancel_grace=0) as connection:
        with trio.move_on_after(0.05):
            await connection.execute(SLOW)
        assert connection.closed
        with pytest.raises(psycopg.OperationalError, match="closed"):
            await connection.execute("SELECT 1")


@pytest.mark.parametrize("parameter", [b"", b"x" * 20_000_000], ids=["for the answer", "to send"])
async def test_a_frozen_server_costs_the_connection_after_the_grace(
    connection: TrioConnection, mock_clock: trio.testing.MockClock, parameter: bytes
) -> None:
    with frozen(connection.info.backend_pid), trio.move_on_after(1):
        mock_clock.autojump_threshold = 0  # nothing but the deadlines can end these waits
        await connection.execute("SELECT %b::bytea", [parameter])
    assert connection.closed
    assert trio.current_time() == pytest.approx(1 + module.CANCEL_GRACE_S)


async def test_a_transaction_that_is_cancelled_is_rolled_back(connection: TrioConnection) -> None:
    with trio.move_on_after(0.05) as scope:
        async with connection.transaction():
            await increment(connection)
            await trio.sleep_forever()
    assert scope.cancelled_caught
    assert connection.pgconn.transaction_status == TransactionStatus.IDLE
    assert await counted(connection) == 0


async def test_a_transaction_begun_in_a_cancelled_scope_leaves_nothing_open(
    connection: TrioConnection,
) -> None:
    with trio.CancelScope() as scope:
        scope.cancel()
        async with connection.transaction():
            await increment(connection)
    async with connection.transaction():
        await increment(connection)
    assert await counted(connection) == 1


async def test_a_savepoint_that_is_cancelled_leaves_the_outer_transaction_usable(
    connection: TrioConnection,
) -> None:
    async with connection.transaction():
        await increment(connection)
        with trio.move_on_after(0.05):
            async with connection.transaction():
                await increment(connection)
                await connection.execute(SLOW)
    assert await counted(connection) == 1


async def test_a_commit_that_was_begun_is_brought_to_its_end(connection: TrioConnection) -> None:
    await make_commit_slow(connection)
    with trio.move_on_after(0.1) as scope:
        async with connection.transaction():
            await increment(connection)
    assert scope.cancel_called
    assert await counted(connection) == 1


async def test_a_commit_that_the_server_never_answers_ends_with_the_connection_dropped(
    connection: TrioConnection, mock_clock: trio.testing.MockClock
) -> None:
    with ExitStack() as until_the_end, trio.move_on_after(1) as scope:
        async with connection.transaction():
            until_the_end.enter_context(frozen(connection.info.backend_pid))
            mock_clock.autojump_threshold = 0
    assert scope.cancelled_caught
    assert connection.closed
    assert trio.current_time() == pytest.approx(1 + module.END_GRACE_S)


async def test_an_error_inside_a_transaction_rolls_it_back_and_is_raised(connection: TrioConnection) -> None:
    async def transact() -> None:
        async with connection.transaction():
            await increment(connection)
            await connection.execute("SELECT 1 / 0")

    with pytest.raises(psycopg.errors.DivisionByZero):
        await transact()
    assert await counted(connection) == 0


async def test_tasks_that_share_a_connection_take_turns(connection: TrioConnection) -> None:
    async with trio.open_nursery() as nursery:
        for _ in range(50):
            nursery.start_soon(increment, connection)
    assert await counted(connection) == 50


@pytest.mark.parametrize("parameter", [b"", b"x" * 20_000_000], ids=["for the answer", "to send"])
async def test_closing_wakes_whoever_waits(connection: TrioConnection, parameter: bytes) -> None:
    async def wait_for_an_answer() -> None:
        with pytest.raises(psycopg.OperationalError, match="closed while it was in use"):
            await connection.execute("SELECT %b::bytea", [parameter])

    with frozen(connection.info.backend_pid), trio.fail_after(2):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait_for_an_answer)
            await trio.testing.wait_all_tasks_blocked()
            await connection.close()


async def test_a_session_that_the_server_ended_is_an_operational_error(
    connection: TrioConnection, database: Database
) -> None:
    with psycopg.connect(database.owner, autocommit=True) as administrator:
        administrator.execute("SELECT pg_terminate_backend(%s, 2000)", [connection.info.backend_pid])
    with pytest.raises(psycopg.OperationalError, match="terminating connection"):
        await increment(connection)
    assert connection.closed
