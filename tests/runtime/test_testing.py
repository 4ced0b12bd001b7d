"""The kit for tests of actors, tested."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest
import trio
from trio.testing import MockClock

from runtime import ActorCrashed, Call, MailboxFull, Message, Worker
from runtime.testing import START, alone

from .kit import Echo, Sample


@dataclass(frozen=True, slots=True)
class Relay(Call[int]):
    value: int


class Relaying(Sample):
    """Takes two steps with a checkpoint between, so that a crash can leave the first one alone."""

    async def receive(self, message: Message) -> object:
        if not isinstance(message, Relay):
            return await super().receive(message)
        self.journal.append("first")
        answer = await self.context.ref("other").call(Echo(message.value))
        self.journal.append("second")
        return answer


async def test_an_actor_is_tried_alone_and_its_mail_is_seen() -> None:
    async with alone(Relaying, answers={"other": 42}) as stage:
        assert await stage.ref.call(Relay(7)) == 42
        assert stage.mail["other"] == [Echo(7)]


async def test_a_stand_in_may_answer_by_message_and_may_fail() -> None:
    def answer(message: Message) -> object:
        assert isinstance(message, Echo)
        if message.value < 0:
            raise MailboxFull("busy")
        return message.value * 2

    async with alone(Relaying, answers={"other": answer}) as stage:
        assert await stage.ref.call(Relay(7)) == 14
        with pytest.raises(MailboxFull, match="busy"):
            await stage.ref.call(Relay(-1))


async def test_the_clock_is_the_tests(autojump_clock: MockClock) -> None:
    seen: list[timedelta] = []

    class Looking(Worker):
        period = 3600.0

        async def tick(self) -> None:
            seen.append(self.context.clock.now() - START)

    async with alone(Looking) as stage:
        await trio.sleep(1)
        stage.clock.move(timedelta(days=1))
        await trio.sleep(1)
    assert seen == [timedelta(0), timedelta(days=1, seconds=1)]


@pytest.mark.parametrize(
    ("checkpoint", "left_behind"), [(1, ["first"]), (2, ["first", "second"]), (99, ["first", "second"])]
)
async def test_a_crash_can_be_planted_at_each_checkpoint(checkpoint: int, left_behind: list[str]) -> None:
    outcomes: list[str] = []
    journal: list[str] = []
    async with alone(lambda context: Relaying(context, journal), answers={"other": 1}) as stage:
        stage.crash_at(checkpoint)
        try:
            await stage.ref.call(Relay(1))
            outcomes.append("answered")
        except ActorCrashed as error:
            outcomes.append(str(error))
    assert [entry for entry in journal if entry in ("first", "second")] == left_behind
    planted = f"actor crashed with Relay in hand: RuntimeError: planted at checkpoint {checkpoint}"
    assert outcomes == [planted if checkpoint == 1 else "answered"]
