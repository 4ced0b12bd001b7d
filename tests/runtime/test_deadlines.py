"""Every call ends at its deadline, which travels with the message; one that could only end there is refused at once."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import ActorSpec, CallCycle, DeadlineExceeded, Message

from .forwarding import Forward, Forwarder
from .kit import Echo, Sample, Wait, actor, running, sample


async def test_a_call_is_answered_or_ends_at_its_deadline(autojump_clock: MockClock) -> None:
    async with running(sample("a")) as system:
        ref = system.ref("a")
        before = trio.current_time()
        with pytest.raises(DeadlineExceeded, match="a is still working on Wait"):
            await ref.call(Wait(trio.Event()), timeout=3)
        assert trio.current_time() - before == 3
        system.cancel()


async def test_what_nobody_waits_for_any_more_is_not_begun(autojump_clock: MockClock) -> None:
    gate = trio.Event()
    handled: list[int] = []

    class Counting(Sample):
        async def receive(self, message: Message) -> object:
            if isinstance(message, Echo):
                handled.append(message.value)
            return await super().receive(message)

    async with running(actor("a", Counting)) as system, trio.open_nursery() as nursery:
        ref = system.ref("a")
        nursery.start_soon(ref.call, Wait(gate))
        await wait_all_tasks_blocked()
        with pytest.raises(DeadlineExceeded, match="a has not begun Echo"):
            await ref.call(Echo(1), timeout=1)
        with trio.move_on_after(1):
            await ref.call(Echo(2))
        gate.set()
        assert await ref.call(Echo(3)) == 3
    assert handled == [3]


async def test_a_late_answer_is_dropped(autojump_clock: MockClock) -> None:
    gate = trio.Event()
    async with running(sample("a")) as system:
        ref = system.ref("a")
        with pytest.raises(DeadlineExceeded):
            await ref.call(Wait(gate), timeout=1)
        gate.set()
        assert await ref.call(Echo(5)) == 5


async def test_a_call_never_outlives_the_deadline_of_the_message_in_hand(autojump_clock: MockClock) -> None:
    elapsed: list[float] = []

    class Patient(Forwarder):
        async def receive(self, message: Message) -> object:
            before = trio.current_time()
            try:
                return await super().receive(message)
            finally:
                elapsed.append(trio.current_time() - before)

    async with running(sample("b"), actor("a", lambda context: Patient(context, "b"))) as system:
        system.suspend("b")
        with pytest.raises(DeadlineExceeded):
            await system.ref("a").call(Forward(1, timeout=100), timeout=2)
        await wait_all_tasks_blocked()
    assert elapsed == [2]


async def test_a_task_left_running_by_a_handler_does_not_inherit_its_deadline(
    autojump_clock: MockClock,
) -> None:
    answers: list[int] = []

    class Leaver(Sample):
        async def receive(self, message: Message) -> object:
            self.context.nursery.start_soon(self.later)
            return 0

        async def later(self) -> None:
            await trio.sleep(10)
            answers.append(await self.context.ref("b").call(Echo(9)))

    async with running(sample("b"), actor("a", Leaver)) as system:
        await system.ref("a").call(Echo(0), timeout=1)
        await trio.sleep(20)
    assert answers == [9]


async def test_a_call_that_would_wait_for_its_own_caller_is_refused_at_once() -> None:
    class Circular(Forwarder):
        async def receive(self, message: Message) -> object:
            match message:
                case Forward(value, _):
                    return await self.context.ref(self.target).call(Forward(value))
                case _:
                    return await super().receive(message)

    def circular(name: str, target: str) -> ActorSpec:
        return actor(name, lambda context: Circular(context, target))

    async with running(circular("a", "b"), circular("b", "c"), circular("c", "a")) as system:
        with pytest.raises(CallCycle, match="c would wait for itself for ever: c > a > b > c"):
            await system.ref("a").call(Forward(1))
        with pytest.raises(CallCycle):
            await system.ref("b").call(Forward(1))
