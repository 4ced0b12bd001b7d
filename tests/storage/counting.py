"""The table `counter` of the `connection` fixture, and a query that goes on for longer than any test."""

from storage.connection import TrioConnection

SLOW = "SELECT pg_sleep(20)"


async def counted(connection: TrioConnection) -> int:
    row = await (await connection.execute("SELECT n FROM counter")).fetchone()
    assert row is not None
    return int(row[0])


async def increment(connection: TrioConnection) -> None:
    await connection.execute("UPDATE counter SET n = n + 1")
