"""A library that only speaks asyncio, under Trio: an asyncio loop of its own, for as long as the block is open.

    async with open_asyncio() as library:
        invoices = await library.call(client.get_invoices, seconds=10)

trio-asyncio makes the loop out of Trio, so a call is cancelled like any other, and needs no thread. What nobody waits
for in asyncio, a stray task or a callback that fails, ends the block with its error: an actor that holds it restarts,
and nothing goes on half broken. Import this before the library: trio-asyncio replaces asyncio's own way to find the
running loop, which some libraries remember when they are imported.
"""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import trio
import trio_asyncio  # type: ignore[import-untyped]  # it carries no types

from integrations.provider import TryLater

R = TypeVar("R")


class AsyncioLibrary:
    """Calls into asyncio, from any task of Trio."""

    def __init__(self, loop: trio_asyncio.TrioEventLoop) -> None:
        self._loop = loop

    async def call(self, function: Callable[[], Coroutine[Any, Any, R]], *, seconds: float) -> R:
        """Run a coroutine function of the library; raises what it raises, and `TryLater` when it takes too long."""
        # The loop is known by the context in which it was opened, and who calls may be of another one.
        outside = trio_asyncio.current_loop.set(self._loop)
        try:
            with trio.move_on_after(seconds):
                result: R = await self._loop.run_aio_coroutine(function())
                return result
        finally:
            trio_asyncio.current_loop.reset(outside)
        raise TryLater(f"there was no answer within {seconds:g} s")


@asynccontextmanager
async def open_asyncio() -> AsyncIterator[AsyncioLibrary]:
    """Open a loop; at the end of the block its tasks are cancelled and waited for."""
    async with trio_asyncio.open_loop() as loop:
        yield AsyncioLibrary(loop)
