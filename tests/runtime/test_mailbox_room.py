"""A mailbox has so much room and no more: who waits for it, who is refused, and who is told that it never comes."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import MailboxFull, Unavailable

from .kit import CrashSoon, Echo, Note, Wait, running, sample


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
