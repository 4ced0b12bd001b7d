"""What counts as a crash, how it is reported, and what of an incarnation is closed or kept."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import Context, Message

from .kit import CrashSoon, Echo, Note, Sample, actor, crash, incarnations, running, sample, states


async def test_a_crash_in_a_task_of_the_actor_is_a_crash_of_the_actor() -> None:
    class Busy(Sample):
        async def receive(self, message: Message) -> object:
            self.context.nursery.start_soon(self.fail)
            return None

        async def fail(self) -> None:
            raise RuntimeError("in the background")

    async with running(actor("a", Busy)) as system:
        system.ref("a").cast(Note(1))
        await wait_all_tasks_blocked()
        (status,) = system.status().actors()
        assert status.incarnations == 2
        assert status.last_error == "RuntimeError: in the background"


async def test_a_crash_while_stopping_for_a_sibling_is_reported_and_does_not_disturb(
    reports: list[MutableMapping[str, Any]],
) -> None:
    class BadLoser(Sample):
        async def stopping(self) -> None:
            raise RuntimeError("last words")

    async with running(sample("a"), actor("b", BadLoser), strategy="one_for_all") as system:
        await crash(system, "a")
        assert incarnations(system) == {"a": 2, "b": 2}
        assert states(system) == {"a": "running", "b": "running"}
    assert "RuntimeError: last words" in [entry.get("reason") for entry in reports]


async def test_a_factory_that_fails_is_a_failure_like_any_other(autojump_clock: MockClock) -> None:
    born = 0

    def factory(context: Context) -> Sample:
        nonlocal born
        born += 1
        if born == 2:
            raise RuntimeError("in the constructor")
        return Sample(context)

    async with running(actor("a", factory)) as system:
        await crash(system, "a")
        assert await system.ref("a").call(Echo(4)) == 4
        assert born == 3


async def test_each_death_is_reported_once_with_its_cause(reports: list[MutableMapping[str, Any]]) -> None:
    class Teller(Sample):
        async def receive(self, message: Message) -> object:
            if isinstance(message, Echo):
                self.context.ref("b").cast(CrashSoon("told to"))
            return 0

    async with running(actor("a", Teller), sample("b")) as system:
        await system.ref("a").call(Echo(1))
        await wait_all_tasks_blocked()
    (report,) = [entry for entry in reports if entry["event"] == "actor crashed"]
    assert report["actor"] == "b"
    assert report["message"] == "CrashSoon"
    assert report["chain"] == ["b:CrashSoon", "a:Echo"]
    assert report["incarnation"] == 1
    assert isinstance(report["exc_info"], RuntimeError)
    assert report["exc_info"].__traceback__ is not None


async def test_resources_are_closed_before_the_next_incarnation_opens_its_own() -> None:
    journal: list[str] = []

    class Holder(Sample):
        async def started(self) -> None:
            journal.append("open")
            self.context.stack.callback(journal.append, "close")
            self.context.nursery.start_soon(self.use)

        async def use(self) -> None:
            try:
                await trio.sleep_forever()
            finally:
                journal.append("task ends")

    async with running(actor("a", Holder)) as system:
        await crash(system, "a")
    assert journal == ["open", "task ends", "close", "open", "task ends", "close"]


async def test_what_was_queued_and_what_comes_during_a_restart_is_handled_after_it(
    autojump_clock: MockClock,
) -> None:
    journal: list[str] = []

    class Slow(Sample):
        async def started(self) -> None:
            await trio.sleep(5)

    async with running(actor("a", lambda context: Slow(context, journal))) as system:
        ref = system.ref("a")
        ref.cast(CrashSoon())
        for value in range(3):
            ref.cast(Note(value))
        await wait_all_tasks_blocked()
        ref.cast(Note(3))
        assert await ref.call(Echo(8)) == 8
        assert journal == ["a 0", "a 1", "a 2", "a 3"]
