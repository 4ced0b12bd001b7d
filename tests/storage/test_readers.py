"""The readers' pool: rows, limits that name the reader, read-only, and what a cancellation does."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import psycopg
import pytest
import trio
from psycopg.sql import SQL, Identifier

from storage import readers as module
from storage.connection import DatabaseUnreachable, TrioConnection, open_connection
from storage.embedded.server import EmbeddedPostgres
from storage.readers import CONNECTIONS_MAX, ReaderLimitExceeded, Readers, open_readers
from tests.fixtures.postgres import Database
from tests.storage.counting import frozen

LONG = "SELECT pg_sleep(20)::text AS value"


@dataclass(frozen=True, slots=True)
class Pair:
    number: int
    name: str


@dataclass(frozen=True, slots=True)
class Answer:
    value: str


@pytest.fixture
async def readers(database: Database) -> AsyncIterator[Readers]:
    async with open_readers(database.owner) as opened:
        yield opened


async def setting(readers: Readers, name: str) -> str:
    row = await readers.fetch_one(Answer, "SELECT current_setting(%s) AS value", [name], reader="test")
    assert row is not None
    return row.value


async def running(observer: TrioConnection) -> int:
    """How many sessions run `LONG` right now."""
    sql = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query = %s"
    row = await (await observer.execute(sql, [LONG])).fetchone()
    assert row is not None
    return int(row[0])


async def until_running(observer: TrioConnection, count: int) -> None:
    with trio.fail_after(10):
        while await running(observer) != count:  # the server does not tell us
            await trio.sleep(0.005)


async def test_rows_come_as_the_class_that_was_asked_for(readers: Readers) -> None:
    sql = "SELECT n AS number, 'name ' || n AS name FROM generate_series(1, %s) AS n"
    rows = await readers.fetch(Pair, sql, [3], reader="test")
    assert rows == [Pair(1, "name 1"), Pair(2, "name 2"), Pair(3, "name 3")]


async def test_fetch_one_gives_the_row_or_none(readers: Readers) -> None:
    sql = "SELECT %(value)s::text AS value WHERE %(there)s"
    assert await readers.fetch_one(Answer, sql, {"value": "x", "there": True}, reader="test") == Answer("x")
    assert await readers.fetch_one(Answer, sql, {"value": "x", "there": False}, reader="test") is None


async def test_a_reader_cannot_write_whatever_its_role_may(readers: Readers) -> None:
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        await readers.fetch(Answer, "CREATE TABLE written (value text)", reader="test")


async def test_the_sessions_have_the_limits_that_are_promised(readers: Readers) -> None:
    assert await setting(readers, "statement_timeout") == "30s"
    assert await setting(readers, "default_transaction_read_only") == "on"
    assert await setting(readers, "client_connection_check_interval") == "500ms"
    assert (module.CONNECTIONS_MIN, CONNECTIONS_MAX, module.ACQUIRE_LIMIT_S) == (2, 15, 10)


@pytest.mark.requirement("D2")
async def test_a_statement_that_takes_too_long_is_an_error_that_names_the_reader(database: Database) -> None:
    impatient = psycopg.conninfo.make_conninfo(database.owner, options="-c statement_timeout=100ms")
    async with open_readers(impatient) as readers:
        with pytest.raises(
            ReaderLimitExceeded, match=r"slow_actor: the statement was cancelled .* take 30 s"
        ):
            await readers.fetch(Answer, LONG, reader="slow_actor")


@pytest.mark.requirement("D2")
async def test_a_wait_for_a_connection_that_takes_too_long_is_an_error_that_names_the_reader(
    database: Database, readers: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with trio.open_nursery() as nursery:
        for _ in range(CONNECTIONS_MAX):
            nursery.start_soon(lambda: readers.fetch(Answer, LONG, reader="busy_actor"))
        async with open_connection(database.owner) as observer:
            await until_running(observer, CONNECTIONS_MAX)
        monkeypatch.setattr(module, "ACQUIRE_LIMIT_S", 0.05)
        with pytest.raises(ReaderLimitExceeded, match=r"late_actor: no .* \(15 of 15 in use\)") as late:
            await readers.fetch(Answer, "SELECT 'x' AS value", reader="late_actor")
        assert late.value.reader == "late_actor"
        nursery.cancel_scope.cancel()


async def test_a_cancelled_read_is_cancelled_on_the_server_and_its_connection_stays(
    database: Database, readers: Readers
) -> None:
    async with open_connection(database.owner) as observer:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: readers.fetch(Answer, LONG, reader="test"))
            await until_running(observer, 1)
            nursery.cancel_scope.cancel()
        assert await running(observer) == 0
    assert readers._pool.get_stats().get("returns_bad", 0) == 0


async def test_a_cancelled_read_of_a_server_that_does_not_answer_costs_its_connection(
    database: Database, readers: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_INTERRUPT_LIMIT_S", 0.05)
    async with open_connection(database.owner) as observer, trio.open_nursery() as nursery:
        nursery.start_soon(lambda: readers.fetch(Answer, LONG, reader="test"))
        await until_running(observer, 1)
        sql = "SELECT pid FROM pg_stat_activity WHERE query = %s"
        row = await (await observer.execute(sql, [LONG])).fetchone()
        assert row is not None
        with frozen(row[0]):
            nursery.cancel_scope.cancel()
            with trio.CancelScope(shield=True):
                await until_gone(readers)
    assert await setting(readers, "application_name") == "turnpike/reader"


async def until_gone(readers: Readers) -> None:
    """Until no thread reads any more."""
    with trio.fail_after(5):
        while readers._threads.borrowed_tokens:  # a limiter does not tell us
            await trio.sleep(0.005)


async def test_cancelling_reads_never_hits_the_reads_of_others(readers: Readers) -> None:
    """Many short reads on few connections, some cancelled: a cancel request that came late would end another's."""

    async def read(delay: float) -> None:
        for _ in range(20):
            await readers.fetch(Answer, "SELECT pg_sleep(%s)::text AS value", [delay], reader="test")

    async def interrupted(delay: float) -> None:
        for _ in range(20):
            with trio.move_on_after(delay):
                await readers.fetch(Answer, "SELECT pg_sleep(0.002)::text AS value", reader="test")

    async with trio.open_nursery() as nursery:
        for number in range(8):
            nursery.start_soon(read, 0.001 * number)
            nursery.start_soon(interrupted, 0.001 * number)


async def test_sessions_that_the_server_ended_are_replaced_unseen(
    database: Database, readers: Readers
) -> None:
    await setting(readers, "application_name")
    with psycopg.connect(database.owner, autocommit=True) as administrator:
        administrator.execute(
            "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity"
            " WHERE application_name = 'turnpike/reader' AND datname = current_database()"
        )
    assert await setting(readers, "application_name") == "turnpike/reader"


async def test_a_cancelled_read_does_not_wait_for_a_database_that_takes_no_connections(
    postgres: EmbeddedPostgres, database: Database, readers: Readers
) -> None:
    with psycopg.connect(postgres.conninfo("postgres"), autocommit=True) as administrator:
        administrator.execute(
            SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(Identifier(database.name))
        )
        administrator.execute(
            "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity WHERE datname = %s", [database.name]
        )
    started = trio.current_time()
    with trio.move_on_after(0.05) as scope:
        await readers.fetch(Answer, LONG, reader="test")
    assert scope.cancelled_caught
    assert trio.current_time() - started < module.ACQUIRE_LIMIT_S / 2


async def test_an_unreachable_database_is_one_sentence(tmp_path: object) -> None:
    with pytest.raises(DatabaseUnreachable, match=r"cannot be reached .*: check that PostgreSQL runs there"):
        async with open_readers(f"host={tmp_path} user=reader password=secret-word"):
            pass
