"""Calls, casts and hints between actors: who gets which answer, and who is told what when there is none."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, assert_type

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import (
    Actor,
    ActorCrashed,
    ActorSpec,
    ActorStopped,
    Call,
    CallCycle,
    Cast,
    Context,
    DeadlineExceeded,
    Envelope,
    MailboxFull,
    Message,
    NotUnderstood,
    Unavailable,
    UnknownActor,
)

from .kit import Crash, CrashSoon, Echo, Hint, Note, Sample, Wait, actor, running, sample


@dataclass(frozen=True, slots=True)
class Forward(Call[int]):
    """Asks the next actor, within `timeout`."""

    value: int
    timeout: float = 30.0


@dataclass(frozen=True, slots=True)
class ForwardCast(Cast):
    value: int


class Forwarder(Sample):
    def __init__(self, context: Context, target: str) -> None:
        super().__init__(context)
        self.target = target

    async def receive(self, message: Message) -> object:
        match message:
            case Forward(value, timeout):
                return await self.context.ref(self.target).call(Echo(value), timeout=timeout)
            case ForwardCast(value):
                return await self.context.ref(self.target).call(Crash())
            case _:
                return await super().receive(message)


def forwarder(name: str, target: str) -> ActorSpec:
    return actor(name, lambda context: Forwarder(context, target))


async def test_a_call_returns_the_answer_with_its_type() -> None:
    async with running(sample("a")) as system:
        answer = await system.ref("a").call(Echo(7))
        assert_type(answer, int)
        assert answer == 7


async def test_messages_of_one_sender_are_handled_in_order() -> None:
    journal: list[str] = []
    async with running(sample("a", journal)) as system:
        ref = system.ref("a")
        for value in range(200):
            ref.cast(Note(value))
        await ref.call(Echo(0))
    assert journal[1:-1] == [f"a {value}" for value in range(200)]


async def test_a_waiting_hint_swallows_an_equal_one_but_no_other() -> None:
    journal: list[str] = []
    gate = trio.Event()
    async with running(sample("a", journal)) as system, trio.open_nursery() as nursery:
        ref = system.ref("a")
        nursery.start_soon(ref.call, Wait(gate))
        await wait_all_tasks_blocked()
        assert all(ref.cast(hint) for hint in (Hint(1), Hint(1), Hint(2), Hint(1)))
        gate.set()
        await ref.call(Echo(0))
        ref.cast(Hint(1))
        await ref.call(Echo(0))
    assert journal[1:-1] == ["a 1", "a 2", "a 1"]


async def test_a_cast_to_a_full_mailbox_is_refused_and_never_raises() -> None:
    gate = trio.Event()
    async with running(sample("a", mailbox=2)) as system, trio.open_nursery() as nursery:
        ref = system.ref("a")
        nursery.start_soon(ref.call, Wait(gate))
        await wait_all_tasks_blocked()
        assert [ref.cast(Note(value)) for value in range(4)] == [True, True, False, False]
        gate.set()


async def test_a_call_waits_for_room_and_is_then_answered() -> None:
    gate = trio.Event()
    answers: list[int] = []
    async with running(sample("a", mailbox=1)) as system, trio.open_nursery() as nursery:
        ref = system.ref("a")
        nursery.start_soon(ref.call, Wait(gate))
        await wait_all_tasks_blocked()

        async def ask(value: int) -> None:
            answers.append(await ref.call(Echo(value)))

        for value in range(5):
            nursery.start_soon(ask, value)
        await wait_all_tasks_blocked()
        assert answers == []
        gate.set()
    assert sorted(answers) == [0, 1, 2, 3, 4]


async def test_no_room_within_the_deadline_is_mailbox_full_and_nothing_happened(
    autojump_clock: MockClock,
) -> None:
    journal: list[str] = []
    gate = trio.Event()
    async with running(sample("a", journal, mailbox=1)) as system, trio.open_nursery() as nursery:
        ref = system.ref("a")
        nursery.start_soon(ref.call, Wait(gate))
        await wait_all_tasks_blocked()
        ref.cast(Note(1))
        before = trio.current_time()
        with pytest.raises(MailboxFull, match="a had no room: 1 messages"):
            await ref.call(Echo(2), timeout=5)
        with pytest.raises(MailboxFull):
            await ref.send(Note(3), timeout=5)
        assert trio.current_time() - before == 10
        gate.set()
    assert journal == ["a started", "a 1", "a stopped"]


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


async def test_a_crash_tells_the_caller_in_hand_and_keeps_what_was_queued() -> None:
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


async def test_callers_waiting_for_room_are_told_when_the_actor_stops() -> None:
    outcomes: list[str] = []
    gate = trio.Event()
    async with running(sample("a", restart="temporary", mailbox=1)) as system, trio.open_nursery() as nursery:
        ref = system.ref("a")
        nursery.start_soon(ref.call, Wait(gate))
        await wait_all_tasks_blocked()
        ref.cast(CrashSoon())

        async def ask() -> None:
            try:
                await ref.call(Echo(1))
            except Unavailable as error:
                outcomes.append(type(error).__name__)

        nursery.start_soon(ask)
        nursery.start_soon(ask)
        await wait_all_tasks_blocked()
        gate.set()
    assert outcomes == ["ActorStopped", "ActorStopped"]


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


async def test_an_unknown_message_is_the_senders_mistake_alone() -> None:
    class Plain(Actor):
        pass

    async with running(actor("a", Plain)) as system:
        with pytest.raises(NotUnderstood, match="a does not understand Echo"):
            await system.ref("a").call(Echo(1))
        assert next(system.status().actors()).incarnations == 1


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


async def test_a_name_that_nobody_has_is_found_when_the_reference_is_made() -> None:
    async with running(sample("db_writer")) as system:
        with pytest.raises(UnknownActor, match="'db_writter'; did you mean 'db_writer'"):
            system.ref("db_writter")


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
                case _:
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
        assert await system.ref("a").call(Forward(1)) == 99


async def test_who_waits_for_a_later_answer_is_told_when_the_actor_crashes(autojump_clock: MockClock) -> None:
    outcomes: list[str] = []
    async with (
        running(actor("a", lambda context: Batcher(context, []))) as system,
        trio.open_nursery() as nursery,
    ):
        ref = system.ref("a")

        async def ask() -> None:
            with pytest.raises(ActorCrashed):
                await ref.call(Forward(1))
            outcomes.append("told")

        nursery.start_soon(ask)
        await wait_all_tasks_blocked()
        with pytest.raises(ActorCrashed):
            await ref.call(Crash())
    assert outcomes == ["told"]


async def test_a_busy_actor_gives_others_their_turn() -> None:
    turns: list[int] = []
    journal: list[str] = []
    async with running(sample("a", journal)) as system, trio.open_nursery() as nursery:
        for value in range(640):
            system.ref("a").cast(Note(value))

        async def other() -> None:
            while len(journal) < 641:
                turns.append(len(journal))
                await trio.lowlevel.checkpoint()

        nursery.start_soon(other)
    assert len(turns) >= 9


async def test_the_causal_id_follows_the_messages() -> None:
    traces: list[tuple[str, str | None]] = []

    class Traced(Forwarder):
        async def receive(self, message: Message) -> object:
            traces.append((self.context.name, self.context.trace))
            return await super().receive(message)

    async with running(
        actor("b", lambda context: Traced(context, "")), actor("a", lambda context: Traced(context, "b"))
    ) as system:
        await system.ref("a").call(Forward(1))
        await system.ref("a").call(Forward(2))
    assert [name for name, _ in traces] == ["a", "b", "a", "b"]
    first, second = traces[0][1], traces[2][1]
    assert traces[1][1] == first
    assert traces[3][1] == second
    assert first != second
