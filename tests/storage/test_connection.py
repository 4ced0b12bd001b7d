"""The Trio connection: cancellation, transactions, pipelines, COPY; and the contract with psycopg's insides."""

from collections.abc import AsyncIterator

import pytest
import trio
from psycopg import errors

from storage.connection import DatabaseUnreachable, TrioConnection, open_connection
from storage.session import writer_conninfo
from tests.fixtures.postgres import Database


@pytest.fixture
async def connection(database: Database) -> AsyncIterator[TrioConnection]:
    async with open_connection(writer_conninfo(database.owner)) as opened:
        await opened.execute("CREATE TABLE counter (n bigint)")
        await opened.execute("INSERT INTO counter VALUES (0)")
        yield opened


async def value(connection: TrioConnection) -> int:
    row = await (await connection.execute("SELECT n FROM counter")).fetchone()
    assert row is not None
    return int(row[0])


async def test_a_query_in_a_cancelled_scope_is_not_sent(connection: TrioConnection) -> None:
    with trio.CancelScope() as scope:
        scope.cancel()
        await connection.execute("UPDATE counter SET n = n + 1")
    assert scope.cancelled_caught
    assert await value(connection) == 0
