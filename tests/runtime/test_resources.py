"""What an actor opens lives as long as its incarnation: longer than its tasks, and not a moment longer."""

from __future__ import annotations

from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import ActorSpec, Message, StartFailed

from .kit import Note, Sample, actor, crash, incarnations, running, system_from


class Opening(Sample):
    """Opens connections in `names`, and uses them in a task that says good-bye over them at its end."""

    names: tuple[str, ...] = ("first", "second")

    async def started(self) -> None:
        for name in self.names:
            assert await self.context.open(self.connection(name)) == name
        self.context.nursery.start_soon(self.use)

    @asynccontextmanager
    async def connection(self, name: str) -> AsyncIterator[str]:
        """One with a task of its own, as a connection with a reader has."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            self.journal.append(f"{name} opened")
            try:
                yield name
            finally:
                self.journal.append(f"{name} closed")
                nursery.cancel_scope.cancel()

    async def use(self) -> None:
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.lowlevel.checkpoint()
            self.journal.append("task ended")

    async def stopping(self) -> None:
        pass


ONE_LIFE = ["first opened", "second opened", "task ended", "second closed", "first closed"]


async def test_what_was_opened_is_closed_in_reverse_after_the_tasks_however_the_incarnation_ends() -> None:
    journal: list[str] = []
    async with running(actor("a", lambda context: Opening(context, journal))) as system:
        await crash(system, "a")
        assert journal == [*ONE_LIFE, "first opened", "second opened"]
        system.request_restart("a")
        await wait_all_tasks_blocked()
        system.cancel()
    assert journal == ONE_LIFE * 3


async def test_what_does_not_open_fails_the_start_and_what_was_open_is_closed(
    autojump_clock: MockClock,
) -> None:
    class Unreachable(Opening):
        names = ("first", "unreachable")

        @asynccontextmanager
        async def connection(self, name: str) -> AsyncIterator[str]:
            if name == "unreachable":
                raise OSError("no route to host")
            async with super().connection(name):
                yield name

    journal: list[str] = []
    system = system_from(actor("a", lambda context: Unreachable(context, journal)))
    async with trio.open_nursery() as nursery:
        with pytest.raises(StartFailed, match="a did not start: OSError: no route to host"):
            await nursery.start(system.run)
    assert journal == ["first opened", "first closed"]


async def test_what_takes_too_long_to_open_is_given_up_at_the_start_timeout(
    autojump_clock: MockClock,
) -> None:
    class Silent(Opening):
        names = ("silent",)

        @asynccontextmanager
        async def connection(self, name: str) -> AsyncIterator[str]:
            try:
                await trio.sleep(60)
                yield name
            finally:
                self.journal.append("given up")

    journal: list[str] = []
    system = system_from(ActorSpec("a", lambda context: Silent(context, journal), start_timeout=3))
    async with trio.open_nursery() as nursery:
        with pytest.raises(StartFailed, match="did not start within 3 s"):
            await nursery.start(system.run)
        assert trio.current_time() == pytest.approx(3)
    assert journal == ["given up"]


async def test_a_connection_that_breaks_is_a_crash_of_its_actor(
    reports: list[MutableMapping[str, Any]],
) -> None:
    breaks = trio.Event()

    class Fragile(Opening):
        names = ("fragile",)

        @asynccontextmanager
        async def connection(self, name: str) -> AsyncIterator[str]:
            async with super().connection(name), trio.open_nursery() as nursery:
                if not breaks.is_set():
                    nursery.start_soon(self.read)
                yield name
                nursery.cancel_scope.cancel()

        async def read(self) -> None:
            await breaks.wait()
            raise OSError("connection reset")

        async def receive(self, message: Message) -> object:
            breaks.set()
            return None

    async with running(actor("a", Fragile)) as system:
        system.ref("a").cast(Note(1))
        await wait_all_tasks_blocked()
        assert incarnations(system) == {"a": 2}
    assert "OSError: connection reset" in [entry.get("reason") for entry in reports]


async def test_what_does_not_close_is_cancelled_in_the_end_and_reported(
    autojump_clock: MockClock, reports: list[MutableMapping[str, Any]]
) -> None:
    class Sticky(Opening):
        @asynccontextmanager
        async def connection(self, name: str) -> AsyncIterator[str]:
            yield name
            try:
                await trio.sleep_forever()
            finally:
                self.journal.append(f"{name} cancelled")

    journal: list[str] = []
    async with running(actor("a", lambda context: Sticky(context, journal))):
        pass
    assert trio.current_time() == pytest.approx(5)
    assert journal == ["task ended", "second cancelled", "first cancelled"]
    assert "TimeoutError: did not close its resources within 5 s" in [
        entry.get("reason") for entry in reports
    ]
