"""The claim: one process writes to a database at a time (F16).

Two things hold it. A session advisory lock keeps a second writer from starting; it goes with the session, and
by then the session's last transaction has been decided. The epoch in `writer_claim` is raised at every
take-over and checked inside every transaction, so a writer that was overtaken without noticing (a pooler, a
frozen host) cannot commit.
"""

import os
import socket
from datetime import datetime
from typing import Final

import psycopg
import trio

from storage.connection import TrioConnection
from storage.errors import StorageError

#: The advisory lock of turnpike's writer: "turnpike" in ASCII, as a bigint.
_LOCK: Final = int.from_bytes(b"turnpike")

#: How long a predecessor's session may take to be cleared away after its process was killed.
_TAKE_OVER_SECONDS: Final = 5.0

CLAIM_LOST_SQLSTATE: Final = "TP001"


class ClaimHeld(StorageError):
    """Another process writes to this database; the message names it."""


class ClaimLost(StorageError):
    """Another process took over: this one must not write any more."""

    def __init__(self) -> None:
        super().__init__(
            "another turnpike has taken over the database: this one writes nothing while that one runs"
        )


async def take_claim(connection: TrioConnection, now: datetime, lost: int | None = None) -> int:
    """Take the claim on an open connection and give its epoch; raises `ClaimHeld` if another process keeps it.

    `lost` is the epoch of a session of our own that was lost: while nobody else has raised it, what holds the lock is
    that session, which the server has not cleared away yet, and it is waited for.
    """
    patience_ends = trio.current_time() + _TAKE_OVER_SECONDS
    while not await _try_lock(connection):
        if trio.current_time() > patience_ends:
            epoch, holder = await _present(connection)
            if epoch != lost:
                raise ClaimHeld(
                    f"the database is in use by another turnpike ({holder}): stop that one first, "
                    "or give this one a database of its own"
                )
        await trio.sleep(0.1)  # the other session cannot tell us when it ends
    return await _raise_epoch(connection, now)


async def _try_lock(connection: TrioConnection) -> bool:
    cursor = await connection.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
    row = await cursor.fetchone()
    return row is not None and bool(row[0])


async def _raise_epoch(connection: TrioConnection, now: datetime) -> int:
    cursor = await connection.execute(
        "UPDATE writer_claim SET epoch = epoch + 1, holder = %s, taken_at = %s RETURNING epoch",
        [f"process {os.getpid()} on {socket.gethostname()}", now],
    )
    row = await cursor.fetchone()
    assert row is not None, "the migrations put the one row of writer_claim"
    return int(row[0])


async def _present(connection: TrioConnection) -> tuple[int, str]:
    cursor = await connection.execute("SELECT epoch, holder FROM writer_claim")
    row = await cursor.fetchone()
    assert row is not None, "the migrations put the one row of writer_claim"
    return int(row[0]), str(row[1])


async def assert_claim(connection: TrioConnection, epoch: int) -> None:
    """Have the server check, in the transaction if there is one, that the epoch is still the current one.

    In a pipeline the answer comes later: hand the error to `claim_lost` then. Raises `ClaimLost`.
    """
    try:
        await connection.execute("SELECT assert_claim(%s)", [epoch], prepare=True)
    except psycopg.Error as error:
        if (lost := claim_lost(error)) is not None:
            raise lost from error
        raise


def claim_lost(error: Exception) -> ClaimLost | None:
    """`ClaimLost` if a transaction failed because its epoch is no longer the current one."""
    return ClaimLost() if getattr(error, "sqlstate", None) == CLAIM_LOST_SQLSTATE else None
