"""The order of changes: those of one user one after another, those of different users side by side."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio


class Turns:
    """A turn for each name; names are kept only while somebody has or waits for a turn."""

    def __init__(self) -> None:
        self._locks: dict[str, trio.Lock] = {}
        self._doubtful: set[str] = set()

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[None]:
        """Have the name to oneself; whoever came first has it first. Upper case is no difference."""
        key = name.lower()
        lock = self._locks.setdefault(key, trio.Lock())
        try:
            async with lock:
                yield
        finally:
            if not lock.locked() and self._locks.get(key) is lock:
                del self._locks[key]

    @asynccontextmanager
    async def change(self, name: str) -> AsyncIterator[bool]:
        """Say whether the last change of this name is known to have ended, and remember whether this one does.

        One that ended without an answer may still come into effect.
        """
        key = name.lower()
        settled = key not in self._doubtful
        self._doubtful.add(key)
        yield settled
        self._doubtful.discard(key)
