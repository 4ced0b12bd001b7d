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


async def take_claim(connection: TrioConnection, now: datetime) -> int:
    """Take the claim on an open connection and give its epoch; raises `ClaimHeld` if another process keeps it."""
    with trio.move_on_after(_TAKE_OVER_SECONDS):
        while not await _try_lock(connection):  # noqa: ASYNC110 - the other session cannot tell us when it ends
            await trio.sleep(0.1)
        return await _raise_epoch(connection, now)
    raise ClaimHeld(
        f"the database is in use by another turnpike ({await _holder(connection)}): stop that one first, "
        "or give this one a database of its own"
    )


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


async def _holder(connection: TrioConnection) -> str:
    cursor = await connection.execute("SELECT holder FROM writer_claim")
    row = await cursor.fetchone()
    return str(row[0]) if row else "unknown"


def is_claim_lost(error: psycopg.Error) -> bool:
    """Whether a transaction failed because its epoch is no longer the current one."""
    return error.sqlstate == CLAIM_LOST_SQLSTATE
