"""The Trio connection: what a cancellation leaves behind, transactions, pipelines, COPY, and losing the server."""

import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager

import psycopg
import pytest
import trio
from psycopg.pq import PipelineStatus, TransactionStatus

from storage import connection as module
from storage.connection import TrioConnection, open_connection
from storage.session import writer_conninfo
from tests.fixtures.postgres import Database

SLOW = "SELECT pg_sleep(20)"


@pytest.fixture
async def connection(database: Database) -> AsyncIterator[TrioConnection]:
    async with open_connection(writer_conninfo(database.owner)) as opened:
        await opened.execute("CREATE TABLE counter (n bigint)")
        await opened.execute("INSERT INTO counter VALUES (0)")
        yield opened


async def counted(connection: TrioConnection) -> int:
    row = await (await connection.execute("SELECT n FROM counter")).fetchone()
    assert row is not None
    return int(row[0])


async def increment(connection: TrioConnection) -> None:
    await connection.execute("UPDATE counter SET n = n + 1")


async def make_commit_slow(connection: TrioConnection) -> None:
    await connection.execute(
        "CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_sleep(0.3); RETURN NULL; END $$;"
        "CREATE CONSTRAINT TRIGGER slow AFTER UPDATE ON counter"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slowly()"
    )


@contextmanager
def frozen(connection: TrioConnection) -> Iterator[None]:
    """The connection's server process stands still, as a hung machine or a silent middlebox would have it."""
    pid = connection.info.backend_pid
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


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


async def test_a_frozen_server_costs_the_connection_after_the_grace(
    connection: TrioConnection, mock_clock: trio.testing.MockClock
) -> None:
    with frozen(connection), trio.move_on_after(1):
        mock_clock.autojump_threshold = 0  # nothing but the deadlines can end these waits
        await connection.execute("SELECT 1")
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
            until_the_end.enter_context(frozen(connection))
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


async def test_a_pipeline_gives_each_statement_its_own_rows(connection: TrioConnection) -> None:
    async with connection.transaction(), connection.pipeline():
        cursors = [await connection.execute("SELECT %s::int * 2", [number]) for number in range(100)]
        rows = [await cursor.fetchone() for cursor in cursors]
    assert rows == [(number * 2,) for number in range(100)]


async def test_a_pipeline_that_is_cancelled_leaves_the_connection_usable(connection: TrioConnection) -> None:
    with trio.move_on_after(0.05) as scope:
        async with connection.transaction(), connection.pipeline():
            await increment(connection)
            await connection.execute(SLOW)
            await increment(connection)
    assert scope.cancelled_caught
    assert not connection.closed
    assert connection.pgconn.transaction_status == TransactionStatus.IDLE
    async with connection.pipeline():
        await increment(connection)
    assert await counted(connection) == 1


async def test_a_pipeline_left_in_a_cancelled_scope_leaves_the_connection_usable(
    connection: TrioConnection,
) -> None:
    with trio.move_on_after(0.05):
        async with connection.pipeline():
            await increment(connection)
            await trio.sleep_forever()
    assert connection.pgconn.pipeline_status == PipelineStatus.OFF
    assert await counted(connection) == 1, "what was sent before the cancellation was carried out"


async def test_a_failure_in_a_pipeline_fails_the_transaction_alone(connection: TrioConnection) -> None:
    async def transact() -> None:
        async with connection.transaction(), connection.pipeline():
            await increment(connection)
            await connection.execute("SELECT 1 / 0")
            await increment(connection)

    with pytest.raises(psycopg.errors.DivisionByZero):
        await transact()
    assert await counted(connection) == 0


async def test_a_parameter_of_20_mb_goes_there_and_back(connection: TrioConnection) -> None:
    large = b"x" * 20_000_000
    async with connection.pipeline():
        cursors = [await connection.execute("SELECT %b::bytea", [large]) for _ in range(2)]
        for cursor in cursors:
            assert await cursor.fetchone() == (large,)


async def test_copy_in_and_out(connection: TrioConnection) -> None:
    cursor = connection.cursor()
    async with cursor.copy("COPY counter FROM STDIN") as copy:
        for number in range(1, 1001):
            await copy.write_row([number])
    read = 0
    async with cursor.copy("COPY (SELECT n FROM counter ORDER BY n) TO STDOUT") as copy:
        copy.set_types(["int8"])
        async for (number,) in copy.rows():
            assert number == read
            read += 1
    assert read == 1001


async def test_a_copy_that_is_cancelled_writes_nothing_and_leaves_the_connection_usable(
    connection: TrioConnection,
) -> None:
    cursor = connection.cursor()
    with trio.move_on_after(0.05) as scope:
        async with cursor.copy("COPY counter FROM STDIN") as copy:
            await copy.write_row([1])
            await trio.sleep_forever()
    assert scope.cancelled_caught
    assert await (await connection.execute("SELECT count(*) FROM counter")).fetchone() == (1,)


async def test_reading_a_copy_that_is_cancelled_leaves_the_connection_usable(
    connection: TrioConnection,
) -> None:
    with trio.move_on_after(0.05) as scope:
        async with connection.cursor().copy("COPY (SELECT generate_series(1, 1000000)) TO STDOUT") as copy:
            await copy.read()
            await trio.sleep_forever()
    assert scope.cancelled_caught
    assert await counted(connection) == 0


async def test_a_long_copy_lets_other_tasks_run(connection: TrioConnection) -> None:
    turns = 0

    async def other_task() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(other_task)
        async with connection.cursor().copy("COPY counter FROM STDIN") as copy:
            for _ in range(40_000):
                await copy.write(b"1\n")
        nursery.cancel_scope.cancel()
    assert turns > 5


async def test_tasks_that_share_a_connection_take_turns(connection: TrioConnection) -> None:
    async with trio.open_nursery() as nursery:
        for _ in range(50):
            nursery.start_soon(increment, connection)
    assert await counted(connection) == 50


async def test_closing_wakes_whoever_waits(connection: TrioConnection) -> None:
    async def wait_for_an_answer() -> None:
        with pytest.raises(psycopg.OperationalError, match="closed while it was in use"):
            await connection.execute(SLOW)

    with trio.fail_after(2):
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


async def test_notifications_are_waited_for_with_a_limit(connection: TrioConnection) -> None:
    await connection.execute("LISTEN news")
    await connection.execute("NOTIFY news, 'first'")
    heard = [notice.payload async for notice in connection.notifies(timeout=0.05)]
    assert heard == ["first"]
    assert await counted(connection) == 0


async def test_many_rows_at_once_and_a_server_side_cursor(connection: TrioConnection) -> None:
    await connection.cursor().executemany("INSERT INTO counter VALUES (%s)", [(n,) for n in range(1, 500)])
    async with connection.transaction(), connection.cursor("page") as cursor:
        await cursor.execute("SELECT n FROM counter ORDER BY n")
        assert await cursor.fetchmany(3) == [(0,), (1,), (2,)]
        assert len(await cursor.fetchall()) == 497


def test_the_names_inside_psycopg_that_we_rely_on_are_still_there() -> None:
    """The tests above show that they do what we think; this one says which went missing, before all of them fail."""
    assert psycopg.__version__.startswith("3.3.")
    named = {
        psycopg.transaction.BaseTransaction._enter_gen,
        psycopg.transaction.BaseTransaction._exit_gen,
        psycopg.generators.copy_end,
        psycopg._copy_base.BaseCopy._end_copy_out_gen,
    }
    assert {function.__qualname__ for function in named} == module._BROUGHT_TO_END
    assert psycopg._pipeline_base.BasePipeline._exit_gen.__qualname__ == module._PIPELINE_EXIT
    for name in ("_connect_gen", "_cancel_gen", "_should_cancel"):
        assert callable(getattr(psycopg.AsyncConnection, name))
