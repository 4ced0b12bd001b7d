"""The readers' pool: rows, limits that name the reader, read-only, and what a cancellation does."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import psycopg
import pytest
import trio

from storage import readers as module
from storage.connection import DatabaseUnreachable
from storage.readers import CONNECTIONS_MAX, ReaderLimitExceeded, Readers, open_readers
from tests.fixtures.postgres import Database


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


async def sessions(readers: Readers, like: str) -> int:
    """How many sessions run a statement like this right now, the one that asks apart."""
    sql = """
        SELECT count(*)::text AS value FROM pg_stat_activity
        WHERE state = 'active' AND query LIKE %s AND pid <> pg_backend_pid()
    """
    row = await readers.fetch_one(Answer, sql, [like], reader="test")
    assert row is not None
    return int(row.value)


async def until_sessions(readers: Readers, like: str, count: int) -> None:
    with trio.fail_after(5):
        while await sessions(readers, like) != count:  # noqa: ASYNC110  # the server does not tell us
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
async def test_exceeding_either_limit_is_an_error_that_names_the_reader(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ACQUIRE_LIMIT_S", 0.3)
    quick = psycopg.conninfo.make_conninfo(database.owner, options="-c statement_timeout=800ms")
    async with open_readers(quick) as readers, trio.open_nursery() as nursery:
        refusals: list[ReaderLimitExceeded] = []

        async def too_slow() -> None:
            with pytest.raises(
                ReaderLimitExceeded, match="slow_actor: the statement was cancelled"
            ) as caught:
                await readers.fetch(Answer, "SELECT pg_sleep(20)::text AS value", reader="slow_actor")
            refusals.append(caught.value)

        for _ in range(CONNECTIONS_MAX):
            nursery.start_soon(too_slow)
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(ReaderLimitExceeded, match="late_actor: no database connection within") as late:
            await readers.fetch(Answer, "SELECT 'x' AS value", reader="late_actor")
        assert late.value.reader == "late_actor"
    assert [refusal.reader for refusal in refusals] == ["slow_actor"] * CONNECTIONS_MAX


async def test_a_cancelled_read_is_cancelled_on_the_server_and_its_connection_stays(readers: Readers) -> None:
    before = await setting(readers, "application_name")
    async with trio.open_nursery() as nursery:
        sql = "SELECT pg_sleep(20)::text AS value"
        nursery.start_soon(lambda: readers.fetch(Answer, sql, reader="test"))
        await until_sessions(readers, "SELECT pg_sleep(20)%", 1)
        nursery.cancel_scope.cancel()
    assert await sessions(readers, "SELECT pg_sleep(20)%") == 0
    assert await setting(readers, "application_name") == before
    assert readers._pool.get_stats()["connections_num"] <= 3, "no connection had to be replaced"


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


async def test_an_unreachable_database_is_one_sentence(tmp_path: object) -> None:
    with pytest.raises(DatabaseUnreachable, match=r"cannot be reached .*: check that PostgreSQL runs there"):
        async with open_readers(f"host={tmp_path} user=reader password=secret-word"):
            pass
