"""Reading: a pool of connections that can only read, on worker threads, with limits that name who exceeds them (D2).

psycopg's own pool is kept up by its authors and is synchronous, so each read takes a thread; in exchange rows are
decoded off the event loop. A cancelled read is neither waited for to its end nor abandoned with its connection: the
server is asked to cancel the statement, the socket is shut if it does not answer, and then the thread is through.
"""

import os
import select
import socket
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from time import monotonic
from typing import Final, Generic, LiteralString, TypeVar

import trio
from psycopg import Connection, OperationalError
from psycopg.errors import QueryCanceled
from psycopg.rows import TupleRow, class_row
from psycopg.sql import SQL, Composed
from psycopg_pool import ConnectionPool, PoolTimeout

from storage.connection import open_connection
from storage.driving import run_connecting
from storage.errors import StorageError
from storage.session import STATEMENT_LIMIT_S, reader_conninfo

Row = TypeVar("Row")
Statement = LiteralString | SQL | Composed
Parameters = Sequence[object] | Mapping[str, object]

CONNECTIONS_MIN: Final = 2
CONNECTIONS_MAX: Final = 15
ACQUIRE_LIMIT_S: Final = 10.0

_ANSWER_LIMIT_S: Final = ACQUIRE_LIMIT_S + STATEMENT_LIMIT_S + 5.0
"""The server ends a statement after `STATEMENT_LIMIT_S`; this is for one that has stopped answering at all."""

_INTERRUPT_LIMIT_S: Final = 2.0
_LOOK_UP_EVERY_S: Final = 0.25


class ReaderLimitExceeded(StorageError):
    """A read got no connection, or took too long; the message and `reader` name the actor that read."""

    def __init__(self, reader: str, what: str) -> None:
        super().__init__(f"{reader}: {what}")
        self.reader = reader


@asynccontextmanager
async def open_readers(conninfo: str) -> "AsyncIterator[Readers]":
    """Open the pool for the length of the block. `conninfo` is the reader role's; raises `DatabaseUnreachable`."""
    conninfo = reader_conninfo(conninfo)
    async with open_connection(conninfo):
        pass  # the pool itself would try for a while and then not say why
    pool: ConnectionPool[Connection[TupleRow]] = ConnectionPool(
        conninfo,
        kwargs={"autocommit": True},
        min_size=CONNECTIONS_MIN,
        max_size=CONNECTIONS_MAX,
        name="readers",
        reconnect_timeout=3.0,
        open=False,
    )
    await trio.to_thread.run_sync(pool.open)
    try:
        yield Readers(pool)
    finally:
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(pool.close, _INTERRUPT_LIMIT_S)


class Readers:
    """Reads for every actor; made by `open_readers`."""

    def __init__(self, pool: ConnectionPool[Connection[TupleRow]]) -> None:
        self._pool = pool
        self._slots = trio.Semaphore(CONNECTIONS_MAX)
        self._threads = trio.CapacityLimiter(CONNECTIONS_MAX)

    async def fetch(
        self, row_class: type[Row], sql: Statement, params: Parameters = (), *, reader: str
    ) -> list[Row]:
        """Every row of one statement, each a `row_class` whose fields are named like the columns.

        `reader` is the actor that reads. Raises `ReaderLimitExceeded`, or psycopg's error.
        """
        asked_at = trio.current_time()
        async with self._slot(reader):
            patience = ACQUIRE_LIMIT_S - (trio.current_time() - asked_at)
            read = _Read(self._pool, row_class, sql, params, patience)
            with trio.move_on_after(_ANSWER_LIMIT_S) as limit:
                await self._run(read)
        if limit.cancelled_caught:
            raise ReaderLimitExceeded(reader, f"the database did not answer within {_ANSWER_LIMIT_S:.0f} s")
        try:
            return read.result()
        except PoolTimeout:
            raise self._none_free(reader) from None
        except QueryCanceled as error:
            raise ReaderLimitExceeded(
                reader,
                f"the statement was cancelled ({error.diag.message_primary}); it may take {STATEMENT_LIMIT_S} s",
            ) from error

    async def fetch_one(
        self, row_class: type[Row], sql: Statement, params: Parameters = (), *, reader: str
    ) -> Row | None:
        """The row of a statement that gives one or none; like `fetch` otherwise."""
        rows = await self.fetch(row_class, sql, params, reader=reader)
        assert len(rows) <= 1, f"{reader} expected at most one row and got {len(rows)}"
        return rows[0] if rows else None

    @asynccontextmanager
    async def _slot(self, reader: str) -> AsyncIterator[None]:
        """Wait here, where waiting costs no thread, for one of the pool's connections to be free."""
        with trio.move_on_after(ACQUIRE_LIMIT_S) as limit:
            await self._slots.acquire()
        if limit.cancelled_caught:
            raise self._none_free(reader)
        try:
            yield
        finally:
            self._slots.release()

    async def _run(self, read: "_Read[Row]") -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(read.interrupt_when_cancelled)
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(read.run, limiter=self._threads)

    def _none_free(self, reader: str) -> ReaderLimitExceeded:
        in_use = self._threads.borrowed_tokens
        return ReaderLimitExceeded(
            reader,
            f"no database connection within {ACQUIRE_LIMIT_S:.0f} s ({in_use} of {CONNECTIONS_MAX} in use)",
        )


class _Read(Generic[Row]):
    """One statement on a worker thread, and its interruption from the event loop."""

    def __init__(
        self,
        pool: ConnectionPool[Connection[TupleRow]],
        row_class: type[Row],
        sql: Statement,
        params: Parameters,
        patience_s: float,
    ) -> None:
        self._pool = pool
        self._row_class = row_class
        self._sql = sql
        self._params = params
        self._patience_s = patience_s
        self._rows: list[Row] = []
        self._error: Exception | None = None
        # What both sides touch, under the lock: the connection while the statement may be interrupted.
        self._lock = threading.Lock()
        self._connection: Connection[TupleRow] | None = None
        self._interrupted = False
        self._finished = trio.Event()

    def result(self) -> list[Row]:
        """The rows, or the error of the read, once it has run."""
        if self._error is not None:
            raise self._error
        return self._rows

    def run(self) -> None:
        """On the thread: get a connection, run the statement, decode its rows."""
        try:
            with self._borrowed() as connection:
                cursor = connection.cursor(row_factory=class_row(self._row_class))
                self._rows = cursor.execute(self._sql, self._params).fetchall()
        except Exception as error:
            self._error = error
        finally:
            trio.from_thread.run_sync(self._finished.set)

    async def interrupt_when_cancelled(self) -> None:
        """On the loop: wait to be cancelled, then see to it that `run` ends soon."""
        try:
            await self._finished.wait()
        except trio.Cancelled:
            with trio.CancelScope(shield=True):
                await self._interrupt()
            raise

    @contextmanager
    def _borrowed(self) -> Iterator[Connection[TupleRow]]:
        connection = self._acquire()
        try:
            with self._lock:
                if self._interrupted:
                    raise QueryCanceled("interrupted before it began")
                self._connection = connection
            yield connection
        finally:
            # A cancel request that is on its way is waited for here, so it cannot hit the next reader.
            with self._lock:
                self._connection = None
            self._pool.putconn(connection)

    def _acquire(self) -> Connection[TupleRow]:
        """In short waits, since nothing can interrupt a thread that waits for the pool."""
        deadline = monotonic() + self._patience_s
        while True:
            left = deadline - monotonic()
            try:
                connection = self._pool.getconn(timeout=max(0.001, min(left, _LOOK_UP_EVERY_S)))
            except PoolTimeout:
                if self._interrupted or left <= _LOOK_UP_EVERY_S:
                    raise
                continue
            if not _is_stale(connection):
                return connection
            connection.close()
            self._pool.putconn(connection)  # which replaces it

    async def _interrupt(self) -> None:
        self._interrupted = True
        with self._lock:  # the thread holds it for moments only
            if self._connection is not None:
                with trio.move_on_after(_INTERRUPT_LIMIT_S), suppress(OperationalError):
                    await run_connecting(self._connection._cancel_gen())
        with trio.move_on_after(_INTERRUPT_LIMIT_S):
            await self._finished.wait()
            return
        with self._lock:
            if self._connection is not None:
                _shut(self._connection)


def _is_stale(connection: Connection[TupleRow]) -> bool:
    """Whether the server has ended this idle session: something to read is then waiting, its farewell."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _shut(connection: Connection[TupleRow]) -> None:
    """Make the thread that waits for this connection's server find the connection lost."""
    with suppress(OperationalError), socket.socket(fileno=os.dup(connection.fileno())) as duplicate:
        duplicate.shutdown(socket.SHUT_RDWR)
