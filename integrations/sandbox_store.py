"""Where the sandbox servers keep their state: typed JSON documents and blobs in one SQLite file.

The sandbox stands in for services that do not forget (Telegram, a payment provider), so a SIGKILL of the
process that it runs in must lose nothing: every write goes straight to the file. SQLite does that without a
server and within some tens of microseconds, because `synchronous=OFF` leaves the bytes with the operating
system, which outlives the process. A power cut may lose them; for a sandbox that is fine.

Reads go to the file as well (its pages are cached), so there is one truth, every `get` gives a fresh object,
and a rolled-back transaction needs no undoing in memory.
"""

import math
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Generic, TypeVar

import msgspec

#: Documents are found by it and come back in its order; integers sort as numbers, before text.
Key = int | str

T = TypeVar("T")

#: SQLite puts every integer behind the one and every text before the other.
_FIRST: Final = -math.inf
_LAST: Final = b""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    collection TEXT NOT NULL, key BLOB NOT NULL, document BLOB NOT NULL, PRIMARY KEY (collection, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blobs (name TEXT PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS sequences (name TEXT PRIMARY KEY, last INTEGER NOT NULL);
"""


class StoreError(RuntimeError):
    """The file cannot be used as a store; the message says why and what to do."""


class Collection(Generic[T]):
    """Documents of one type under one name; made by `Store.collection`."""

    def __init__(self, connection: sqlite3.Connection, name: str, document: type[T]) -> None:
        self._connection = connection
        self._name = name
        self._decoder = msgspec.json.Decoder(document)

    def put(self, key: Key, document: T) -> None:
        """Write the document under the key, in place of what was there."""
        self._connection.execute(
            "INSERT OR REPLACE INTO documents VALUES (?, ?, ?)",
            (self._name, key, msgspec.json.encode(document)),
        )

    def get(self, key: Key) -> T | None:
        """A fresh copy of the document, or None; change it and `put` it back."""
        row = self._connection.execute(
            "SELECT document FROM documents WHERE collection = ? AND key = ?", (self._name, key)
        ).fetchone()
        return None if row is None else self._decoder.decode(row[0])

    def delete(self, key: Key) -> None:
        """Remove the document; nothing happens if it is not there."""
        self._connection.execute("DELETE FROM documents WHERE collection = ? AND key = ?", (self._name, key))

    def items(
        self, *, after: Key | None = None, before: Key | None = None, limit: int = -1
    ) -> list[tuple[Key, T]]:
        """At most `limit` documents (-1: all) in the order of their keys, those between `after` and `before`."""
        rows = self._connection.execute(
            "SELECT key, document FROM documents"
            " WHERE collection = ? AND key > ? AND key < ? ORDER BY key LIMIT ?",
            (self._name, _FIRST if after is None else after, _LAST if before is None else before, limit),
        )
        return [(key, self._decoder.decode(document)) for key, document in rows]

    def last(self, limit: int) -> list[tuple[Key, T]]:
        """The `limit` documents with the greatest keys, in the order of their keys."""
        rows = self._connection.execute(
            "SELECT key, document FROM documents WHERE collection = ? ORDER BY key DESC LIMIT ?",
            (self._name, limit),
        ).fetchall()
        return [(key, self._decoder.decode(document)) for key, document in reversed(rows)]

    def count(self) -> int:
        """How many documents there are."""
        row = self._connection.execute(
            "SELECT count(*) FROM documents WHERE collection = ?", (self._name,)
        ).fetchone()
        return int(row[0])


class Store:
    """One SQLite file of collections, blobs and sequences; `Store(None)` keeps it in memory.

    It belongs to one event loop: calls are synchronous and short (tens of microseconds), and what happens
    between two awaits cannot be interleaved. A file has one `Store` at a time; servers that share it use
    names with a prefix of their own. Raises `StoreError` if the file is not a store or is in use elsewhere.
    """

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._connection = sqlite3.connect(path or ":memory:", isolation_level=None, timeout=0.5)
            self._connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = OFF")
            self._connection.executescript(_SCHEMA)
        except sqlite3.Error as error:
            raise StoreError(
                f"{path} cannot hold the sandbox's state ({error}); move it away or name another file"
            ) from error

    def collection(self, name: str, document: type[T]) -> Collection[T]:
        """The collection of that name, read and written as `document` (any type that msgspec can encode)."""
        return Collection(self._connection, name, document)

    def next_id(self, sequence: str, *, first: int = 1) -> int:
        """The next number of the sequence, never given before, restarts included."""
        row = self._connection.execute(
            "INSERT INTO sequences VALUES (?1, ?2)"
            " ON CONFLICT (name) DO UPDATE SET last = last + 1 RETURNING last",
            (sequence, first),
        ).fetchone()
        return int(row[0])

    def put_blob(self, name: str, data: bytes) -> None:
        """Keep bytes under a name, in place of what was there."""
        self._connection.execute("INSERT OR REPLACE INTO blobs VALUES (?, ?)", (name, data))

    def get_blob(self, name: str) -> bytes | None:
        """The bytes kept under the name, or None."""
        row = self._connection.execute("SELECT data FROM blobs WHERE name = ?", (name,)).fetchone()
        return None if row is None else bytes(row[0])

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make the writes inside one: an exception or a kill leaves none of them.

        Never await inside. An inner transaction joins the outer one.
        """
        if self._connection.in_transaction:
            yield
            return
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file; the store is not used afterwards."""
        self._connection.close()
