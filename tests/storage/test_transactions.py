"""While a transaction is open only its connection is awaited (D1): whatever else is, it does not commit."""

import socket
from collections.abc import Awaitable, Callable

import psycopg
import pytest
import trio
from psycopg.pq import TransactionStatus

from domain.draft import View
from storage import flush
from storage.connection import TrioConnection, open_connection
from storage.transactions import ForeignAwait, transact
from tests.fixtures.postgres import Database
from tests.storage.counting import counted, increment
from tests.storage.shop import ALICE, open_desk
from tests.storage.test_writer import owner_of


async def sleeping(_: TrioConnection, __: Database) -> None:
    await trio.sleep(0.001)


async def a_checkpoint(_: TrioConnection, __: Database) -> None:
    await trio.lowlevel.checkpoint()


async def the_network(_: TrioConnection, __: Database) -> None:
    here, there = socket.socketpair()
    with trio.socket.from_stdlib_socket(here) as ours, there:
        there.send(b"x")
        await ours.recv(1)


async def a_message(_: TrioConnection, __: Database) -> None:
    asked, answers = trio.open_memory_channel[int](1)
    await asked.send(1)
    await answers.receive()


async def a_thread(_: TrioConnection, __: Database) -> None:
    await trio.to_thread.run_sync(lambda: None)


async def another_connection(_: TrioConnection, database: Database) -> None:
    async with open_connection(database.reader) as other:
        await other.execute("SELECT 1")


async def another_task(connection: TrioConnection, _: Database) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(increment, connection)


async def sleeping_while_somebody_else_uses_the_connection(connection: TrioConnection, _: Database) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection.execute, "SELECT pg_sleep(0.05)")
        await trio.lowlevel.checkpoint()


FOREIGN = [
    sleeping,
    a_checkpoint,
    the_network,
    a_message,
    a_thread,
    another_connection,
    another_task,
    sleeping_while_somebody_else_uses_the_connection,
]


@pytest.mark.requirement("D1")
@pytest.mark.parametrize("foreign", FOREIGN)
async def test_a_transaction_that_awaits_anything_else_is_rolled_back(
    connection: TrioConnection, database: Database, foreign: Callable[..., Awaitable[None]]
) -> None:
    async def work() -> None:
        await increment(connection)
        await foreign(connection, database)

    with pytest.raises(ForeignAwait):
        await transact(connection, work)
    assert connection.pgconn.transaction_status == TransactionStatus.IDLE
    with psycopg.connect(database.owner) as owner:
        assert owner.execute("SELECT n FROM counter").fetchone() == (0,)


async def test_a_transaction_that_awaits_its_connection_only_commits_and_gives_its_result(
    connection: TrioConnection,
) -> None:
    async def work() -> int:
        async with connection.pipeline() as pipeline:
            for _ in range(3):
                await increment(connection)
            await pipeline.sync()
        return await counted(connection)

    assert await transact(connection, work) == 3
    assert await counted(connection) == 3


async def test_a_transaction_that_is_cancelled_is_rolled_back_and_the_scope_hears_of_it(
    connection: TrioConnection,
) -> None:
    async def work() -> None:
        await increment(connection)
        await connection.execute("SELECT pg_sleep(20)")

    with trio.move_on_after(0.05) as scope:
        await transact(connection, work)
    assert scope.cancelled_caught
    assert await counted(connection) == 0


async def test_what_the_work_raises_is_raised_and_nothing_is_committed(connection: TrioConnection) -> None:
    async def work() -> None:
        await increment(connection)
        raise KeyError("a mistake")

    with pytest.raises(KeyError, match="a mistake"):
        await transact(connection, work)
    assert await counted(connection) == 0


@pytest.mark.requirement("D1")
async def test_the_error_names_what_was_awaited(connection: TrioConnection) -> None:
    async def work() -> None:
        await trio.sleep(0.001)

    with pytest.raises(ForeignAwait, match="awaited sleep: do that before it begins or after it has ended"):
        await transact(connection, work)


@pytest.mark.requirement("D1")
async def test_a_writer_that_awaits_something_else_while_it_writes_writes_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = flush._send

    async def slow(connection: TrioConnection, step: Callable[[str], None], view: View) -> None:
        await send(connection, step, view)
        await trio.sleep(0.001)

    async with open_desk(database.writer) as desk:
        monkeypatch.setattr(flush, "_send", slow)
        with pytest.raises(ForeignAwait):
            await desk.update(ALICE)
    with owner_of(database) as owner:
        assert owner.execute("SELECT count(*) FROM updates").fetchone() == (0,)
