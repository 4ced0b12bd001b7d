"""Who is told what when no answer can come, and that one dead actor does not bring down all who asked it."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import ActorCrashed, ActorStopped, Message

from .forwarding import Forward, ForwardCast, forwarder
from .kit import Crash, CrashSoon, Echo, Note, Sample, Wait, actor, running, sample


async def test_a_crash_tells_the_caller_in_hand_and_keeps_what_was_queued(mock_clock: MockClock) -> None:
    journal: list[str] = []
    answers: list[int] = []
    gate = trio.Event()
    async with running(sample("a", journal)) as system, trio.open_nursery() as nursery:
        ref = system.ref("a")
        nursery.start_soon(ref.call, Wait(gate))
        await wait_all_tasks_blocked()
        ref.cast(CrashSoon())
        ref.cast(Note(1))

        async def ask() -> None:
            answers.append(await ref.call(Echo(2)))

        nursery.start_soon(ask)
        await wait_all_tasks_blocked()
        gate.set()
        await wait_all_tasks_blocked()
        with pytest.raises(ActorCrashed, match="a crashed with Crash in hand: RuntimeError: boom"):
            await ref.call(Crash("boom"))
    assert journal == ["a started", "a started", "a 1"]
    assert answers == [2]


async def test_an_actor_that_has_stopped_says_so() -> None:
    async with running(sample("a", restart="temporary"), sample("b")) as system:
        ref = system.ref("a")
        with pytest.raises(ActorCrashed):
            await ref.call(Crash())
        await wait_all_tasks_blocked()
        with pytest.raises(ActorStopped, match="a has stopped"):
            await ref.call(Echo(1))
        with pytest.raises(ActorStopped):
            await ref.send(Note(1))
        assert ref.cast(Note(1)) is False


async def test_an_unavailable_that_is_let_out_answers_upward_and_crashes_nobody_else() -> None:
    class Crashing(Sample):
        async def receive(self, message: Message) -> object:
            raise RuntimeError("inner")

    async with running(actor("c", Crashing), forwarder("b", "c"), forwarder("a", "b")) as system:
        with pytest.raises(ActorCrashed, match="c crashed with Echo in hand: RuntimeError: inner"):
            await system.ref("b").call(Forward(1))
        restarts = {status.name: status.restarts for status in system.status().actors()}
    assert restarts == {"a": 0, "b": 0, "c": 1}


async def test_an_unavailable_let_out_while_handling_a_cast_is_reported_and_is_not_a_crash(
    reports: list[MutableMapping[str, Any]],
) -> None:
    async with running(sample("b"), forwarder("a", "b")) as system:
        system.ref("a").cast(ForwardCast(1))
        await wait_all_tasks_blocked()
        assert [status.restarts for status in system.status().actors()] == [1, 0]
    (report,) = [entry for entry in reports if entry["event"] == "message not carried out"]
    assert report["actor"] == "a"
    assert report["message"] == "ForwardCast"
    assert "ActorCrashed" in report["reason"]
