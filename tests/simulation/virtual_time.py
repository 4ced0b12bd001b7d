"""Time that passes only while everybody waits for it: a week of a shop takes as long as its work does.

Trio's `MockClock` jumps to the next deadline when no task can run. A task that waits for a real answer cannot run
either, and then its own timeout would be that deadline: so the clock stands still while the database is asked on a
socket, and what else would go to a thread is done at once.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from trio.testing import MockClock

import storage.driving

Wait = Callable[..., Awaitable[Any]]


class _Asked:
    """How many answers of the database are on their way; the clock jumps only where there are none."""

    def __init__(self, clock: MockClock) -> None:
        self._clock = clock
        self._count = 0

    def counting(self, wait: Wait) -> Wait:
        async def counted(socket: int, wanted: object) -> Any:
            self._count += 1
            self._clock.autojump_threshold = float("inf")
            try:
                return await wait(socket, wanted)
            finally:
                self._count -= 1
                if not self._count:
                    self._clock.autojump_threshold = 0

        return counted


async def _at_once(work: Callable[..., Any], *arguments: object, **_: object) -> Any:
    await trio.lowlevel.checkpoint()
    return work(*arguments)


def _here(work: Callable[..., Any], *arguments: object) -> Any:
    return work(*arguments)


@asynccontextmanager
async def passing_while_idle(clock: MockClock) -> AsyncIterator[None]:
    """Let the clock jump in the block whenever nothing real is on its way."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trio.to_thread, "run_sync", _at_once)
        patch.setattr(trio.from_thread, "run_sync", _here)
        patch.setattr(storage.driving, "_wait", _Asked(clock).counting(storage.driving._wait))
        clock.autojump_threshold = 0
        try:
            yield
        finally:
            clock.autojump_threshold = float("inf")
