"""Reverse-ordered drain with deadlines, at a signal too, and a cancellation that leaves nothing behind."""

from __future__ import annotations

import signal
from collections.abc import MutableMapping
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import Actor, ActorSpec, ActorStopped, Context, Message, Unavailable, watch_signals

from .kit import Echo, Note, Sample, Wait, actor, group, running, sample, system_from, system_of


async def test_everything_stops_in_reverse_order_after_its_queue_is_done() -> None:
    journal: list[str] = []
    tree = group(group(sample("a", journal), sample("b", journal), name="core"), sample("c", journal))
    async with system_of(tree) as system:
        for name in "abc":
            system.ref(name).cast(Note(1))
            system.ref(name).cast(Note(2))
        journal.clear()
    assert [entry for entry in journal if entry.endswith("stopped")] == [
        "c stopped",
        "b stopped",
        "a stopped",
    ]
    for name in "abc":
        assert [entry for entry in journal if entry.startswith(name)] == [
            f"{name} 1",
            f"{name} 2",
            f"{name} stopped",
        ]


async def test_while_draining_an_actor_can_still_work_through_those_started_before_it() -> None:
    answers: list[int] = []

    class Client(Sample):
        async def receive(self, message: Message) -> object:
            answers.append(await self.context.ref("server").call(Echo(6)))
            return None

    async with running(sample("server"), actor("client", Client)) as system:
        system.ref("client").cast(Note(1))
    assert answers == [6]


async def test_a_permanent_actor_that_finishes_during_the_drain_stays_down() -> None:
    class Finisher(Sample):
        async def receive(self, message: Message) -> object:
            self.context.finish()
            return None

    def finisher(context: Context) -> Finisher:
        return Finisher(context)

    async with running(actor("a", finisher)) as system:
        system.ref("a").cast(Note(1))


async def test_a_drain_ends_at_the_actors_deadline_and_the_rest_is_answered(
    autojump_clock: MockClock, reports: list[MutableMapping[str, Any]]
) -> None:
    outcomes: list[str] = []
    journal: list[str] = []
    system = system_from(sample("a", journal), ActorSpec("b", Sample, stop_timeout=4))
    async with trio.open_nursery() as nursery:
        await nursery.start(system.run)

        async def ask(message: Wait | Echo) -> None:
            try:
                await system.ref("b").call(message, timeout=100)
            except Unavailable as error:
                outcomes.append(f"{type(error).__name__}: {error}")

        nursery.start_soon(ask, Wait(trio.Event()))
        await wait_all_tasks_blocked()
        nursery.start_soon(ask, Echo(1))
        await wait_all_tasks_blocked()
        begun = trio.current_time()
        system.request_stop()
        await system.stopped.wait()
        assert trio.current_time() - begun == 4
    assert sorted(outcomes) == [
        "ActorStopped: b has stopped",
        "ActorStopped: b was cancelled with Wait in hand",
    ]
    assert journal == ["a started", "a stopped"]
    assert ("actor was cancelled", "b") in [(entry["event"], entry.get("actor")) for entry in reports]


async def test_the_whole_drain_has_a_deadline_too(autojump_clock: MockClock) -> None:
    class Slow(Sample):
        async def stopping(self) -> None:
            await trio.sleep(8)

    system = system_from(*(actor(name, Slow) for name in "abcde"), stop_timeout=20)
    async with trio.open_nursery() as nursery:
        await nursery.start(system.run)
        begun = trio.current_time()
        system.request_stop()
        await system.stopped.wait()
        assert trio.current_time() - begun == 20


async def test_a_cancel_stops_at_once(autojump_clock: MockClock) -> None:
    class Slow(Sample):
        async def stopping(self) -> None:
            await trio.sleep(8)

    system = system_from(*(actor(name, Slow) for name in "abc"))
    async with trio.open_nursery() as nursery:
        await nursery.start(system.run)
        begun = trio.current_time()
        system.request_stop()
        await trio.sleep(1)
        system.cancel()
        await system.stopped.wait()
        assert trio.current_time() - begun == 1


async def test_cancelled_from_outside_nothing_is_left_and_nobody_waits(autojump_clock: MockClock) -> None:
    outcomes: list[str] = []
    closed: list[str] = []

    class Holder(Sample):
        async def started(self) -> None:
            self.context.stack.callback(closed.append, self.context.name)

    system = system_from(actor("a", Holder), actor("b", Holder))

    async def ask(message: Wait | Echo) -> None:
        try:
            await system.ref("b").call(message)
        except ActorStopped as error:
            outcomes.append(str(error))

    async with trio.open_nursery() as callers, trio.open_nursery() as nursery:
        await nursery.start(system.run)
        callers.start_soon(ask, Wait(trio.Event()))
        await wait_all_tasks_blocked()
        callers.start_soon(ask, Echo(1))
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert trio.current_time() == 0
    assert sorted(outcomes) == ["b has stopped", "b was cancelled with Wait in hand"]
    assert sorted(closed) == ["a", "b"]


async def test_resources_that_do_not_close_are_reported(
    autojump_clock: MockClock, reports: list[MutableMapping[str, Any]]
) -> None:
    class Sticky(Actor):
        async def started(self) -> None:
            self.context.stack.push_async_callback(trio.sleep_forever)

    async with running(actor("a", Sticky)):
        pass
    assert "TimeoutError: did not close its resources within 5 s" in [
        entry.get("reason") for entry in reports
    ]


async def test_after_the_end_every_reference_answers_at_once() -> None:
    async with running(sample("a")) as system:
        ref = system.ref("a")
    with pytest.raises(ActorStopped):
        await ref.call(Echo(1))
    assert not ref.cast(Note(1))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_asks_for_a_drain(number: signal.Signals) -> None:
    journal: list[str] = []
    system = system_from(sample("a", journal))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch_signals, system)
        await nursery.start(system.run)
        system.ref("a").cast(Note(1))
        signal.raise_signal(number)
    assert journal == ["a started", "a 1", "a stopped"]


async def test_a_second_signal_cancels() -> None:
    speaking = trio.Event()

    class Endless(Sample):
        async def stopping(self) -> None:
            speaking.set()
            await trio.sleep_forever()

    system = system_from(actor("a", Endless))
    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch_signals, system)
            await nursery.start(system.run)
            signal.raise_signal(signal.SIGTERM)
            await speaking.wait()
            signal.raise_signal(signal.SIGTERM)
    assert system.stopped.is_set()
