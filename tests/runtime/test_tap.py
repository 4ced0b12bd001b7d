"""Tracing one actor over the control socket: who sent what, how long it took, how it ended, not what was in it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import (
    Actor,
    ActorCrashed,
    ActorSpec,
    DeadlineExceeded,
    Envelope,
    Message,
    System,
    Worker,
)
from runtime.control_client import Refused, trace
from runtime.tap import BUFFER

from .controlled import controlled
from .kit import EPOCH, Crash, Echo, Note, Sample, Wait, actor, running, sample


class Forwards(Sample):
    """Asks `a` whatever it is told."""

    async def receive(self, message: Message) -> object:
        match message:
            case Echo():
                return await self.context.ref("a").call(message)
            case _:
                return await super().receive(message)


class Batches(Actor):
    """Answers calls of its batch at once, except the first."""

    batch = 10

    async def receive_batch(self, envelopes: Sequence[Envelope]) -> None:
        first, *others = envelopes
        for envelope in others:
            envelope.reply(1)
        self.context.nursery.start_soon(self._answer_later, first)

    async def _answer_later(self, envelope: Envelope) -> None:
        await trio.sleep(1)
        envelope.reply(1)


async def test_a_message_is_told_with_its_cause_its_times_and_its_outcome(
    path: Path, autojump_clock: MockClock
) -> None:
    gate = trio.Event()
    async with (
        controlled(path, sample("a"), actor("b", Forwards)) as system,
        trace(path, "a") as passages,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(system.ref("a").call, Wait(gate))
        await trio.sleep(1)
        nursery.start_soon(system.ref("b").call, Echo(1))
        await trio.sleep(2)
        gate.set()
        outside, inside = await anext(passages), await anext(passages)
    assert (outside.message, outside.sender, outside.cause) == ("Wait", None, ())
    assert (outside.queue_seconds, outside.handling_seconds, outside.outcome) == (0, 3, "answered")
    assert (outside.at - EPOCH).total_seconds() == 3
    assert (inside.message, inside.sender, inside.cause) == ("Echo", "b", ("b:Echo",))
    assert (inside.queue_seconds, inside.handling_seconds, inside.outcome) == (2, 0, "answered")
    assert inside.trace != outside.trace
    assert inside.serial > outside.serial


async def test_every_way_to_end_has_its_word(path: Path, autojump_clock: MockClock) -> None:
    gate = trio.Event()
    async with controlled(path, sample("a"), actor("b", Forwards)) as system, trio.open_nursery() as nursery:
        a = system.ref("a")
        async with trace(path, "a") as passages:
            await wait_all_tasks_blocked()
            a.cast(Note(1))
            assert (await anext(passages)).outcome == "done"
            with suppress(ActorCrashed):
                await a.call(Crash())
            assert (await anext(passages)).outcome == "crashed"
            nursery.start_soon(a.call, Wait(gate))
            await wait_all_tasks_blocked()
            with pytest.raises(DeadlineExceeded):
                await a.call(Echo(1), timeout=1)
            gate.set()
            assert (await anext(passages)).outcome == "answered"
            skipped = await anext(passages)
            assert (skipped.outcome, skipped.handling_seconds) == ("skipped: its deadline had passed", None)
        async with trace(path, "b") as passages:
            await wait_all_tasks_blocked()
            system.suspend("a")
            with pytest.raises(DeadlineExceeded):
                await system.ref("b").call(Echo(1), timeout=1)
            assert (await anext(passages)).outcome == "DeadlineExceeded"
            system.resume("a")


async def test_an_answer_that_comes_too_late_is_told_so(path: Path, autojump_clock: MockClock) -> None:
    gate = trio.Event()
    async with controlled(path, sample("a")) as system, trace(path, "a") as passages:
        await wait_all_tasks_blocked()
        with pytest.raises(DeadlineExceeded):
            await system.ref("a").call(Wait(gate), timeout=1)
        gate.set()
        assert (await anext(passages)).outcome == "answered too late"


async def test_each_message_of_a_batch_is_told_even_those_that_are_answered_later(
    path: Path, autojump_clock: MockClock
) -> None:
    async with controlled(path, actor("a", Batches)) as system, trace(path, "a") as passages:
        await wait_all_tasks_blocked()
        async with trio.open_nursery() as nursery:
            for value in range(3):
                nursery.start_soon(system.ref("a").call, Echo(value))
        outcomes = [(await anext(passages)).outcome for _ in range(3)]
        assert sorted(outcomes) == ["answered", "answered", "will be answered later"]


async def test_what_a_timer_sends_comes_from_the_actor_itself(path: Path, autojump_clock: MockClock) -> None:
    class Idle(Worker):
        period = 10.0

        async def tick(self) -> None:
            pass

    async with controlled(path, ActorSpec("w", Idle)), trace(path, "w") as passages:
        await wait_all_tasks_blocked()
        passage = await anext(passages)
        assert (passage.message, passage.sender) == ("Tick", "w")


async def test_the_contents_of_messages_are_not_told(path: Path) -> None:
    async with controlled(path, sample("a")) as system, trace(path, "a") as passages:
        await wait_all_tasks_blocked()
        with suppress(ActorCrashed):
            await system.ref("a").call(Crash("the password is swordfish"))
        assert b"swordfish" not in msgspec.json.encode(await anext(passages))


async def test_a_trace_goes_on_over_restarts_and_a_second_one_sees_the_same(path: Path) -> None:
    async with controlled(path) as system, trace(path, "a") as one, trace(path, "a") as two:
        await wait_all_tasks_blocked()
        await system.restart("a")
        await system.ref("a").call(Echo(1))
        assert (await anext(one)).serial == (await anext(two)).serial


async def test_who_reads_too_slowly_is_told_how_many_were_missed(autojump_clock: MockClock) -> None:
    async with running(sample("a")) as system:
        with system.trace("a") as passages:
            for value in range(BUFFER + 7):
                await system.ref("a").send(Note(value))
            await wait_all_tasks_blocked()
            for _ in range(BUFFER):
                assert (await passages.receive()).lost == 0
            system.ref("a").cast(Note(0))
            assert (await passages.receive()).lost == 7
        assert_not_traced(system)


async def test_nobody_is_traced_when_nobody_looks(path: Path) -> None:
    async with controlled(path) as system:
        with pytest.raises(Refused, match="did you mean 'a'"):
            async with trace(path, "aa") as passages:
                await anext(passages)
        async with trace(path, "a"):
            await wait_all_tasks_blocked()
        with trio.move_on_after(5):
            while system.ref("a")._cell.taps:
                await trio.sleep(0.001)  # the operator's leaving arrives by the kernel
        assert_not_traced(system)


def assert_not_traced(system: System) -> None:
    assert all(system.ref(actor.name)._cell.taps == () for actor in system.status().actors())
