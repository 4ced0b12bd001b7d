"""What tests of connections share: the table `counter`, a query that outlasts any test, a server that stands still."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from storage.connection import TrioConnection

SLOW = "SELECT pg_sleep(20)"


async def counted(connection: TrioConnection) -> int:
    row = await (await connection.execute("SELECT n FROM counter")).fetchone()
    assert row is not None
    return int(row[0])


async def increment(connection: TrioConnection) -> None:
    await connection.execute("UPDATE counter SET n = n + 1")


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """A connection's server process stands still, as a hung machine or a silent middlebox would have it."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
