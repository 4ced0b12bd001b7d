"""Reading, as actors do it: a database that is away is somebody who cannot answer, not a crash of whoever asked.

A handler that lets `DatabaseAway` out is not restarted for it; it looks again at its next tick.
"""

from collections.abc import Mapping, Sequence
from typing import LiteralString, TypeVar

import psycopg

from runtime import Unavailable
from storage.errors import StorageError
from storage.readers import Readers

Row = TypeVar("Row")
Parameters = Sequence[object] | Mapping[str, object]


class DatabaseAway(Unavailable):
    """The database did not answer a reader; nothing was read."""


class Reading:
    """The pool of readers for the actors of a tree."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def fetch(
        self, row_class: type[Row], sql: LiteralString, params: Parameters = (), *, reader: str
    ) -> list[Row]:
        """Every row of one statement; `reader` is the actor that reads (D2). Raises `DatabaseAway`."""
        try:
            return await self._readers.fetch(row_class, sql, params, reader=reader)
        except (psycopg.OperationalError, StorageError) as error:
            raise DatabaseAway(str(error)) from error

    async def fetch_one(
        self, row_class: type[Row], sql: LiteralString, params: Parameters = (), *, reader: str
    ) -> Row | None:
        """The row of a statement that gives one or none. Raises `DatabaseAway`."""
        rows = await self.fetch(row_class, sql, params, reader=reader)
        assert len(rows) <= 1, f"{reader} expected at most one row and got {len(rows)}"
        return rows[0] if rows else None
