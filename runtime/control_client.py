"""The operator's end of the control socket: typed questions and answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import inf
from pathlib import Path
from typing import Final, Generic, TypeVar

import msgspec
import trio

from .commands import ASK_TIMEOUT, ORDER_TIMEOUT, Refused, Reloaded, Request, Snapshot, Unanswered
from .control import PATIENCE, reachable
from .status import ActorStatus
from .tap import Passage

T = TypeVar("T")

__all__ = [
    "Answers",
    "NobodyThere",
    "Refused",
    "Unanswered",
    "ask",
    "order",
    "reload_all",
    "stacks",
    "status",
    "top",
    "trace",
]

QUICK_TIMEOUT: Final = 10.0
"""Seconds for an answer that waits for nobody but the event loop."""

ACTORS: Final = 100
"""More actors than a tree has: for each of them a reload of everything may need its whole time."""


class NobodyThere(Refused):
    """No system listens at the path."""


class _Line(msgspec.Struct):
    answer: msgspec.Raw = msgspec.Raw()
    error: str | None = None
    unanswered: str | None = None


class Answers(Generic[T]):
    """The answers of one conversation, one by one; ends when the system closes it."""

    def __init__(self, stream: trio.SocketStream, answer: type[T], timeout: float) -> None:
        """`timeout` is in seconds, from one answer to the next."""
        self._stream = stream
        self._answer = answer
        self._timeout = timeout
        self._received = bytearray()

    def __aiter__(self) -> Answers[T]:
        return self

    async def __anext__(self) -> T:
        """Raises Refused if that is what the system says, Unanswered too if it says nothing in time."""
        try:
            with trio.fail_after(self._timeout):
                while (end := self._received.find(b"\n")) < 0:
                    if not (part := await self._stream.receive_some()):
                        raise StopAsyncIteration
                    self._received += part
        except trio.TooSlowError:
            raise Unanswered(f"the system did not answer within {self._timeout:g} s") from None
        except trio.BrokenResourceError:
            raise StopAsyncIteration from None
        line, self._received = self._received[:end], self._received[end + 1 :]
        return self._read(line)

    def _read(self, text: bytearray) -> T:
        try:
            line = msgspec.json.decode(text, type=_Line)
            if line.unanswered is not None:
                raise Unanswered(line.unanswered)
            if line.error is None:
                return msgspec.json.decode(line.answer, type=self._answer)
        except msgspec.DecodeError as error:
            raise Refused(f"the system is of another version and answers in another way: {error}") from None
        raise Refused(line.error)


async def status(path: Path) -> Snapshot:
    """The system as it is now. This and all below raise Refused with a sentence, and NobodyThere, which is one too."""
    return await _answer(path, Request("status"), Snapshot)


async def stacks(path: Path) -> dict[str, str]:
    """Where the task of each actor waits, by name."""
    return await _answer(path, Request("stacks"), dict[str, str])


async def order(path: Path, command: str, name: str) -> ActorStatus:
    """Have `restart`, `reload`, `suspend`, `resume`, `switch-on` or `switch-off` done; the actor as it is then."""
    return await _answer(path, Request(command, name), ActorStatus, ORDER_TIMEOUT + PATIENCE)


async def reload_all(path: Path) -> Reloaded:
    """Have everything reloaded; raises nothing for those that were not."""
    return await _answer(path, Request("reload-all"), Reloaded, ORDER_TIMEOUT * ACTORS)


async def ask(path: Path, name: str, body: str) -> str:
    """What an actor answers to a question of at most a megabyte.

    What it declines is Refused with its sentence; Unanswered if nobody can say what it has done.
    """
    return await _answer(path, Request("ask", name, body), str, ASK_TIMEOUT + PATIENCE)


@asynccontextmanager
async def top(path: Path) -> AsyncIterator[Answers[Snapshot]]:
    """A snapshot now, and one each second with the rates since the one before, until the block is left."""
    async with _conversation(path, Request("top")) as stream:
        yield Answers(stream, Snapshot, QUICK_TIMEOUT)


@asynccontextmanager
async def trace(path: Path, name: str) -> AsyncIterator[Answers[Passage]]:
    """The messages that pass through an actor, as they pass, until the block is left."""
    async with _conversation(path, Request("trace", name)) as stream:
        yield Answers(stream, Passage, inf)


async def _answer(path: Path, request: Request, answer: type[T], timeout: float = QUICK_TIMEOUT) -> T:
    """Ask, and wait so many seconds for the one answer."""
    async with _conversation(path, request) as stream:
        async for each in Answers(stream, answer, timeout):
            return each
    raise Unanswered("the system stopped before it answered")


@asynccontextmanager
async def _conversation(path: Path, request: Request) -> AsyncIterator[trio.SocketStream]:
    try:
        with reachable(path) as name, trio.fail_after(QUICK_TIMEOUT):
            stream = await trio.open_unix_socket(name)
    except PermissionError as error:
        raise Refused(f"{path} belongs to another user: give commands as that user") from error
    except (OSError, trio.TooSlowError) as error:
        raise NobodyThere(f"nobody listens on {path}; is the system running?") from error
    async with stream:
        try:
            with trio.fail_after(QUICK_TIMEOUT):
                await stream.send_all(msgspec.json.encode(request) + b"\n")
        except (trio.BrokenResourceError, trio.TooSlowError):
            pass  # whoever refuses to listen still says why
        yield stream
