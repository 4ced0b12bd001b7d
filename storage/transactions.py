"""Transactions that wait for nothing but the database (D1).

One that waited for the network, a clock or another actor would hold its rows and its snapshot for as long. That nobody
writes such a thing is not left to attention: what a transaction does is a coroutine that is stepped from here, each of
its waits is looked at, and one that has waited for something else cannot commit any more. It is the only place where a
transaction is opened; `tests/tidy/test_transactions.py` holds that.
"""

from collections.abc import Callable, Coroutine, Generator
from typing import Any, Generic, TypeVar

import trio

from storage.connection import TrioConnection

T = TypeVar("T")


class ForeignAwait(AssertionError):
    """A mistake in our code: a transaction waited for something else than its connection, and was rolled back."""


async def transact(connection: TrioConnection, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Do `work` in a transaction, which is committed at its end, and give what it gives.

    It may await `connection` and nothing else: if it has awaited anything else, `ForeignAwait` is raised in place of
    the commit. Raises what `work` raises, after a rollback.
    """
    async with connection.transaction():
        return await _Watched(connection, work())


class _Watched(Generic[T]):
    """A coroutine that is awaited step by step."""

    def __init__(self, connection: TrioConnection, coroutine: Coroutine[Any, Any, T]) -> None:
        self._connection = connection
        self._coroutine = coroutine

    def __await__(self) -> Generator[Any, Any, T]:
        step: Callable[[Any], Any] = self._coroutine.send
        given: Any = None
        foreign: str | None = None
        try:
            while True:
                wait = step(given)
                if foreign is None and self._connection.waiting is not trio.lowlevel.current_task():
                    foreign = _what_waits(self._coroutine)
                try:
                    step, given = self._coroutine.send, (yield wait)
                except BaseException as error:
                    step, given = self._coroutine.throw, error
        except StopIteration as stop:
            result: T = stop.value
        finally:
            self._coroutine.close()
        # Not earlier: to raise in the middle of a wait would leave Trio's own bookkeeping behind.
        if foreign is not None:
            raise ForeignAwait(
                f"a transaction has awaited {foreign}: do that before it begins or after it has ended"
            )
        return result


def _what_waits(coroutine: Coroutine[Any, Any, Any]) -> str:
    """The function of Trio that our code has called, or else the innermost of its own."""
    inner: Any = coroutine
    name = "something"
    while (inner := getattr(inner, "cr_await", None)) is not None:
        name = str(getattr(inner, "__qualname__", name))
        frame = getattr(inner, "cr_frame", None)
        if frame is not None and frame.f_globals["__name__"].partition(".")[0] == "trio":
            break
    return name
