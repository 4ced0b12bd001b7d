"""Actors that take several messages together: each is answered alone, now or later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import Actor, ActorCrashed, Call, Context, Envelope, MailboxFull

from .kit import Crash, Echo, Wait, actor, running


@dataclass(frozen=True, slots=True)
class Later(Call[int]):
    """Answered from a task, 5 seconds after its batch."""


class Batcher(Actor):
    batch = 4

    def __init__(self, context: Context, sizes: list[int]) -> None:
        super().__init__(context)
        self.sizes = sizes

    async def receive_batch(self, envelopes: Sequence[Envelope]) -> None:
        self.sizes.append(len(envelopes))
        for envelope in envelopes:
            match envelope.message:
                case Echo(value) if value < 0:
                    envelope.fail(MailboxFull("negative"))
                case Echo(value):
                    envelope.reply(value)
                case Wait(gate):
                    await gate.wait()
                    envelope.reply(None)
                case Crash(text):
                    raise RuntimeError(text)
                case Later():
                    self.context.nursery.start_soon(self.answer_later, envelope)

    async def answer_later(self, envelope: Envelope) -> None:
        await trio.sleep(5)
        envelope.reply(99)


async def test_a_batch_takes_what_waits_up_to_its_size_and_answers_each_alone() -> None:
    sizes: list[int] = []
    answers: dict[int, int | str] = {}
    gate = trio.Event()
    async with (
        running(actor("a", lambda context: Batcher(context, sizes))) as system,
        trio.open_nursery() as nursery,
    ):
        ref = system.ref("a")
        nursery.start_soon(ref.call, Wait(gate))
        await wait_all_tasks_blocked()

        async def ask(value: int) -> None:
            try:
                answers[value] = await ref.call(Echo(value))
            except MailboxFull as error:
                answers[value] = str(error)

        for value in (-1, 0, 1, 2, 3, 4):
            nursery.start_soon(ask, value)
        await wait_all_tasks_blocked()
        gate.set()
    assert sizes == [1, 4, 2]
    assert answers == {-1: "negative", 0: 0, 1: 1, 2: 2, 3: 3, 4: 4}


async def test_a_crash_fails_exactly_the_unanswered_of_a_batch() -> None:
    answers: list[object] = []
    gate = trio.Event()
    async with (
        running(actor("a", lambda context: Batcher(context, []))) as system,
        trio.open_nursery() as nursery,
    ):
        ref = system.ref("a")
        nursery.start_soon(ref.call, Wait(gate))
        await wait_all_tasks_blocked()

        async def ask(message: Call[Any]) -> None:
            try:
                answers.append(await ref.call(message))
            except ActorCrashed:
                answers.append("crashed")

        for message in (Echo(1), Crash(), Echo(2)):
            nursery.start_soon(ask, message)
            await wait_all_tasks_blocked()
        gate.set()
    assert sorted(map(str, answers)) == ["1", "crashed", "crashed"]


async def test_an_answer_may_come_later_from_a_task_of_the_actor(autojump_clock: MockClock) -> None:
    async with running(actor("a", lambda context: Batcher(context, []))) as system:
        assert await system.ref("a").call(Later()) == 99


async def test_who_waits_for_a_later_answer_is_told_when_the_actor_crashes(autojump_clock: MockClock) -> None:
    outcomes: list[str] = []
    async with (
        running(actor("a", lambda context: Batcher(context, []))) as system,
        trio.open_nursery() as nursery,
    ):
        ref = system.ref("a")

        async def ask() -> None:
            with pytest.raises(ActorCrashed):
                await ref.call(Later())
            outcomes.append("told")

        nursery.start_soon(ask)
        await wait_all_tasks_blocked()
        with pytest.raises(ActorCrashed):
            await ref.call(Crash())
    assert outcomes == ["told"]
