"""Reads that go to the server together and come back together, in one round trip."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from psycopg import AsyncCursor

from storage.connection import TrioConnection
from storage.tables import Table

E = TypeVar("E")


class RoundTrip:
    """Collects the reads of one round trip; what each of them found is in its list when the block has ended."""

    def __init__(self) -> None:
        self._asked: list[tuple[bytes, list[Any], Table[Any], list[Any]]] = []

    def read(self, table: Table[E], by: str | tuple[str, ...], *values: Iterable[object]) -> list[E]:
        """The rows whose columns `by` have the values, given as one column each; nothing is asked for no values."""
        columns = (by,) if isinstance(by, str) else by
        wanted = [list(column) for column in values]
        if not wanted[0]:
            return []
        return self.ask(table.select(columns), list(table.wanted(columns, wanted)), table)

    def ask(self, statement: bytes, parameters: list[Any], table: Table[E]) -> list[E]:
        """The rows of this table that a statement gives, its columns as in the table's own `select`."""
        found: list[E] = []
        self._asked.append((statement, parameters, table, found))
        return found

    async def travel(self, connection: TrioConnection) -> None:
        """Ask everything, and fill the lists."""
        if not self._asked:
            return
        answers: list[AsyncCursor[Any]] = []
        async with connection.pipeline():
            for statement, parameters, _, _ in self._asked:
                answers.append(await connection.execute(statement, parameters, prepare=True))
        for cursor, (_, _, table, found) in zip(answers, self._asked, strict=True):
            found += map(table.read, await cursor.fetchall())


@asynccontextmanager
async def round_trip(connection: TrioConnection) -> AsyncIterator[RoundTrip]:
    """Read together what is asked for in the block; the lists are filled at its end."""
    trip = RoundTrip()
    yield trip
    await trip.travel(connection)
