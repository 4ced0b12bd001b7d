"""The Trio connection and the rest of psycopg: pipelines, COPY, notifications; and the names inside it we rely on."""

import itertools

import psycopg
import pytest
import trio
from psycopg.abc import PQGen
from psycopg.pq import PipelineStatus, TransactionStatus

from storage import connection as module
from storage import driving
from storage.connection import TrioConnection
from storage.driving import Driver
from tests.storage.counting import SLOW, counted, increment


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


async def test_operations_that_never_wait_let_other_tasks_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the writes of a large COPY: each is done at once while the socket takes them."""
    milliseconds = itertools.count()
    monkeypatch.setattr(driving, "monotonic", lambda: next(milliseconds) / 1000)
    turns = 0

    async def other_task() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    def done_at_once() -> PQGen[None]:
        yield from ()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(other_task)
        driver = Driver()
        for _ in range(100):
            await driver.run(done_at_once(), socket=-1)
        nursery.cancel_scope.cancel()
    assert turns >= 10


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
