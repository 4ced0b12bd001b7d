"""Lanes: one task for each key at a time, several keys side by side. Order within a chat, no waiting between chats.

A lane reads its own work after it has started, so it never acts on rows that an earlier run of it has settled
meanwhile.
"""

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import trio
from structlog.typing import FilteringBoundLogger

from runtime import Unavailable

K = TypeVar("K")


class Lanes(Generic[K]):
    """Runs `work(key)` for every key that is woken; a key woken while it runs is run once more after that."""

    def __init__(
        self,
        nursery: trio.Nursery,
        work: Callable[[K], Awaitable[None]],
        at_once: int,
        log: FilteringBoundLogger,
    ) -> None:
        self._nursery = nursery
        self._work = work
        self._limit = trio.CapacityLimiter(at_once)
        self._log = log
        self._running: set[K] = set()
        self._again: set[K] = set()

    def wake(self, key: K) -> None:
        """Have the key's work looked at, now or when its run is over."""
        if key in self._running:
            self._again.add(key)
        else:
            self._running.add(key)
            self._nursery.start_soon(self._run, key)

    async def _run(self, key: K) -> None:
        try:
            async with self._limit:
                await self._work(key)
                while key in self._again:
                    self._again.discard(key)
                    await self._work(key)
        except Unavailable as error:  # the next tick wakes the key again
            self._log.warning("lane put off", key=key, error=str(error))
        finally:
            self._running.discard(key)
            self._again.discard(key)
