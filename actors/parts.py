"""Going through very many entries without holding the event loop for long (E2)."""

from collections.abc import AsyncIterator, Iterable
from itertools import islice
from typing import Final, TypeVar

import trio

T = TypeVar("T")

#: Entries between two looks at the event loop: a few milliseconds of light work.
_AT_ONCE: Final = 500


async def in_parts(entries: Iterable[T]) -> AsyncIterator[list[T]]:
    """The entries in order, a part at a time; others have their turn between two parts."""
    waiting = iter(entries)
    while part := list(islice(waiting, _AT_ONCE)):
        yield part
        await trio.lowlevel.checkpoint()
