"""When a worker looks: on time, by the clock, within its budget, never twice at once, and again after a crash."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import ActorSpec, AdjustableClock, Call, Message, NotUnderstood, System, Tick, Worker

from .kit import EPOCH, Echo, Note, Sample, actor, group, running
from .sweeping import Sweeper, sweeper


async def test_a_worker_looks_at_once_and_then_each_period(autojump_clock: MockClock) -> None:
    log: list[tuple[str, float]] = []
    async with running(sweeper([], log)):
        await trio.sleep(150)
    assert log == [("tick", 0), ("tick", 60), ("tick", 120)]


async def test_the_settings_override_the_period_and_the_first_look(autojump_clock: MockClock) -> None:
    log: list[tuple[str, float]] = []
    async with running(sweeper([], log, period=10.0, first_after=5.0)):
        await trio.sleep(20)
    assert log == [("tick", 5), ("tick", 15)]


async def test_ticks_that_wait_are_one_and_two_never_run_at_once(autojump_clock: MockClock) -> None:
    log: list[tuple[str, float]] = []
    async with running(sweeper(["a"], log, seconds=3)) as system:
        await trio.sleep(1)
        for _ in range(5):
            assert system.ref("w").cast(Tick())
        await trio.sleep(10)
    assert log == [("tick", 0), ("a", 3), ("tick", 3)]


async def test_moving_the_clock_makes_the_next_look_due(autojump_clock: MockClock) -> None:
    log: list[tuple[str, float]] = []
    clock = AdjustableClock(EPOCH)
    system = System(group(sweeper([], log)), clock=clock)
    async with trio.open_nursery() as nursery:
        await nursery.start(system.run)
        await trio.sleep(10)
        clock.move(timedelta(days=3))
        await trio.sleep(20)
        system.request_stop()
    assert log == [("tick", 0), ("tick", 10)]


async def test_a_worker_ticks_on_time_while_all_the_others_are_busy(autojump_clock: MockClock) -> None:
    log: list[tuple[str, float]] = []

    class Busy(Sample):
        async def receive(self, message: Message) -> object:
            for _ in range(50):
                await trio.lowlevel.checkpoint()
            self.context.me.cast(Note(1))
            await trio.sleep(1)
            return None

    async with running(*(actor(f"b{number}", Busy) for number in range(20)), sweeper([], log)) as system:
        for number in range(20):
            system.ref(f"b{number}").cast(Note(1))
        await trio.sleep(130)
        system.cancel()
    assert [round(at) for _, at in log] == [0, 60, 120]


async def test_a_tick_ends_at_its_budget_and_goes_on_from_where_it_stopped(autojump_clock: MockClock) -> None:
    log: list[tuple[str, float]] = []
    async with running(sweeper(list("abcde"), log, seconds=10, budget=15.0)):
        await trio.sleep(59)
    expected = [
        ("tick", 0),
        ("a", 10),
        ("b", 20),
        ("tick", 20),
        ("c", 30),
        ("d", 40),
        ("tick", 40),
        ("e", 50),
    ]
    assert log == expected


@dataclass(frozen=True, slots=True)
class Look(Call[int]):
    """How often did you look?"""


async def test_between_two_parts_of_a_long_scan_other_messages_have_their_turn(
    autojump_clock: MockClock,
) -> None:
    log: list[tuple[str, float]] = []

    class Asked(Sweeper):
        async def receive(self, message: Message) -> object:
            if isinstance(message, Look):
                return len(self.log)
            return await super().receive(message)

    spec = ActorSpec(
        "w", lambda context: Asked(context, list("abcdefgh"), log, 10.0), settings={"budget": 15.0}
    )
    async with running(spec) as system:
        await trio.sleep(1)
        assert await system.ref("w").call(Look()) == 3
        assert trio.current_time() == 20
        system.cancel()


async def test_a_stop_ends_a_long_tick_at_the_next_row(autojump_clock: MockClock) -> None:
    log: list[tuple[str, float]] = []
    async with running(sweeper(list("abcdef"), log, seconds=2)):
        await trio.sleep(3)
    assert [row for row, _ in log] == ["tick", "a", "b"]


@pytest.mark.requirement("W14")
async def test_a_worker_that_crashes_or_hangs_comes_back_and_is_reported(
    autojump_clock: MockClock, reports: list[MutableMapping[str, Any]]
) -> None:
    ticks: list[float] = []

    class Unlucky(Worker):
        period = 60.0

        async def tick(self) -> None:
            ticks.append(trio.current_time())
            if len(ticks) == 2:
                raise RuntimeError("bad luck")
            if len(ticks) == 4:
                await self.wait_for_ever()

        async def wait_for_ever(self) -> None:
            await trio.sleep_forever()

    async with running(ActorSpec("w", Unlucky, handle_timeout=20)):
        await trio.sleep(250)
    assert ticks[0:3] == [0, 60, 60]
    assert ticks[3] == 120
    assert ticks[4] == pytest.approx(140, abs=1)
    assert len(ticks) == 6
    crashes = [entry["reason"] for entry in reports if entry["event"] == "actor crashed"]
    assert crashes == ["RuntimeError: bad luck", "Hung: held Tick for more than 20 s"]
    (hang,) = [entry for entry in reports if entry["event"] == "actor hangs"]
    assert "wait_for_ever" in hang["stack"]


async def test_a_worker_answers_for_messages_of_its_own_and_no_others() -> None:
    async with running(sweeper([], [])) as system:
        with pytest.raises(NotUnderstood):
            await system.ref("w").call(Echo(1))


async def test_a_worker_without_a_tick_says_so() -> None:
    async with running(actor("w", Worker)) as system:
        await wait_all_tasks_blocked()
        (status,) = system.status().actors()
        assert status.last_error == "NotImplementedError: Worker must define tick"
