"""A psycopg connection that Trio drives by itself: no second event loop, no thread, cancellable, with deadlines.

psycopg keeps its protocol in generators; asyncio is only its default way to run them. `TrioConnection` runs them on
Trio, and settles what must be settled where any await may be cancelled:

* A call in a scope that is already cancelled sends nothing (psycopg's generators send before they first wait).
* A query cancelled in the middle is cancelled on the server and its answer is read, for at most `cancel_grace`
  seconds; after that the socket is dropped. So a connection is usable or closed, never in between.
* What opens or ends a transaction is brought to its end once begun: a cancellation leaves no transaction open, and
  nobody has to guess whether a COMMIT that was cancelled took place.
* Closing wakes whoever waits on the socket.

Transactions are explicit: outside `transaction()` each statement is its own. `cursor.stream()` is not supported
(page by key instead), nor is `connect()` (use `open_connection`).

Names of psycopg 3.3 that are not its public interface, each exercised by `tests/storage/test_connection.py`:
`AsyncConnection._connect_gen`, `_cancel_gen`, `_should_cancel`, `_closed`, `_autocommit`, that everything passes
through `wait` and `lock`, `errors._WaitTimeout`, and the names of the generators in `_BROUGHT_TO_END` and
`_PIPELINE_EXIT`. The dependency is therefore pinned to one minor version.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final, TypeVar

import trio
from psycopg import AsyncConnection, errors
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from psycopg.pq.abc import PGconn
from psycopg.rows import TupleRow

from storage.addresses import DatabaseUnreachable, addresses
from storage.driving import Driver, run_connecting

__all__ = ["DatabaseUnreachable", "TrioConnection", "open_connection"]

T = TypeVar("T")

CONNECT_LIMIT_S: Final = 10.0
CANCEL_GRACE_S: Final = 5.0
END_GRACE_S: Final = 5.0
"""How long the end of a transaction may go on after a cancellation before the socket is dropped."""

_BROUGHT_TO_END: Final = frozenset(
    {
        "BaseTransaction._enter_gen",
        "BaseTransaction._exit_gen",
        "copy_end",
        "BaseCopy._end_copy_out_gen",
    }
)
_PSYCOPGS_WORDS: Final = re.compile("^connection (failed|is bad): ")
_PIPELINE_EXIT: Final = "BasePipeline._exit_gen"


@asynccontextmanager
async def open_connection(
    conninfo: str, *, cancel_grace: float = CANCEL_GRACE_S
) -> "AsyncIterator[TrioConnection]":
    """Connect, and close at the end of the block; an open transaction is then rolled back by the server.

    `cancel_grace` is how many seconds a cancelled query may take to be cancelled on the server too; 0 drops the
    socket at once, for a caller that finds out in another way what became of it. Raises `DatabaseUnreachable`.
    """
    connection = await _connect(conninfo)
    connection.cancel_grace = cancel_grace
    try:
        yield connection
    finally:
        await connection.close()


class TrioConnection(AsyncConnection[TupleRow]):
    """psycopg's `AsyncConnection` on Trio, in autocommit mode; made by `open_connection`."""

    cancel_grace = CANCEL_GRACE_S

    def __init__(self, pgconn: PGconn) -> None:
        super().__init__(pgconn)
        self.lock = _Lock()  # type: ignore[assignment]  # asyncio's own needs a loop of asyncio's
        self._autocommit = True
        self._driver = Driver()
        #: Whoever waits for the server just now.
        self.waiting: trio.lowlevel.Task | None = None

    async def wait(self, gen: PQGen[T], interval: float = 0.0, timeout: float | None = None) -> T:
        """Run one of psycopg's generators to its end: every operation of the connection comes through here.

        `timeout` is in seconds. `interval` is psycopg's: how often it looks for Ctrl-C, which Trio does by itself.
        """
        self.waiting = trio.lowlevel.current_task()
        try:
            return await self._wait(gen, timeout)
        finally:
            self.waiting = None

    async def _wait(self, gen: PQGen[T], timeout: float | None) -> T:
        name = getattr(gen, "__qualname__", "")
        if name not in _BROUGHT_TO_END and name != _PIPELINE_EXIT:
            await trio.lowlevel.checkpoint_if_cancelled()
        try:
            with trio.CancelScope() as limit:
                if timeout is not None:
                    limit.deadline = trio.current_time() + timeout
                return await self._driver.run(gen, self.pgconn.socket)
        except trio.Cancelled:
            if name in _BROUGHT_TO_END:
                return await self._bring_to_end(gen)
            await self._settle(gen)
            raise
        except (KeyboardInterrupt, SystemExit):
            await self._settle(gen)
            raise
        raise errors._WaitTimeout("wait timeout expired")

    async def cancel_safe(self, *, timeout: float = CANCEL_GRACE_S) -> None:
        """Ask the server to cancel the running query; after `timeout` seconds `errors.CancellationTimeout`.

        Shielded: it is part of cleaning up after a cancellation.
        """
        if not self._should_cancel():
            return
        with trio.CancelScope(shield=True, deadline=trio.current_time() + timeout) as limit:
            await run_connecting(self._cancel_gen())
        if limit.cancelled_caught:
            raise errors.CancellationTimeout("cancellation timeout expired")

    async def close(self) -> None:
        """Close at once; whoever waits on the connection gets an `OperationalError`. Not a checkpoint."""
        self._closed = True
        self._drop()

    async def _bring_to_end(self, gen: PQGen[T]) -> T:
        """Go on in spite of a cancellation. The caller meets that at its next checkpoint."""
        with trio.CancelScope(shield=True, deadline=trio.current_time() + END_GRACE_S):
            return await self._driver.run(gen, self.pgconn.socket, begun=True)
        self._drop()
        await trio.lowlevel.checkpoint_if_cancelled()
        raise errors.OperationalError("the server stopped answering, so the connection was dropped")

    async def _settle(self, gen: PQGen[T]) -> None:
        """Leave an interrupted operation behind: the connection is idle afterwards, or closed."""
        if self.pgconn.transaction_status != TransactionStatus.ACTIVE:
            return
        settled = False
        try:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + self.cancel_grace):
                settled = await self._cancel_and_drain(gen)
        finally:
            if not settled:
                self._drop()

    async def _cancel_and_drain(self, gen: PQGen[T]) -> bool:
        try:
            await run_connecting(self._cancel_gen())
            await self._driver.run(gen, self.pgconn.socket, begun=True)
        except errors.PipelineAborted:
            return True
        except errors.Error as error:
            return error.sqlstate is not None  # the server's own answer; without one the connection is lost
        return True

    def _drop(self) -> None:
        with suppress(errors.OperationalError):  # there is no socket any more
            trio.lowlevel.notify_closing(self.pgconn.socket)
        self.pgconn.finish()


class _Lock:
    """What psycopg needs of `asyncio.Lock`. Free, it costs no pass of the scheduler: `wait` is the checkpoint."""

    def __init__(self) -> None:
        self._free = trio.Semaphore(1)

    async def __aenter__(self) -> None:
        try:
            self._free.acquire_nowait()
        except trio.WouldBlock:
            await self._free.acquire()

    async def __aexit__(self, *_: object) -> None:
        self._free.release()


async def _connect(conninfo: str) -> TrioConnection:
    failure = ""
    for address in await addresses(conninfo):
        with trio.move_on_after(CONNECT_LIMIT_S):
            try:
                return await run_connecting(TrioConnection._connect_gen(address))
            except errors.OperationalError as error:
                failure = _PSYCOPGS_WORDS.sub("", str(error)).partition("\n")[0]
                continue
        failure = f"no answer within {CONNECT_LIMIT_S:.0f} s"
    raise DatabaseUnreachable(
        f"the database cannot be reached ({failure}): check that PostgreSQL runs there and lets this user in"
    )
