"""The one table of everything that is due."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import timers as timers_module
from runtime.timers import Alarm, Timers


@pytest.fixture
def rung() -> list[tuple[str, float]]:
    return []


def alarm(rung: list[tuple[str, float]], name: str) -> Alarm:
    return Alarm(lambda: rung.append((name, trio.current_time())))


async def test_alarms_ring_at_their_time_in_order(
    autojump_clock: MockClock, rung: list[tuple[str, float]]
) -> None:
    timers = Timers()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(timers.run)
        timers.add(5, alarm(rung, "b"))
        await wait_all_tasks_blocked()
        timers.add(3, alarm(rung, "a"))
        timers.add(5, alarm(rung, "c"))
        await trio.sleep(10)
        nursery.cancel_scope.cancel()
    assert rung == [("a", 3), ("b", 5), ("c", 5)]


async def test_a_cancelled_alarm_never_rings(
    autojump_clock: MockClock, rung: list[tuple[str, float]]
) -> None:
    timers = Timers()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(timers.run)
        cancelled = alarm(rung, "a")
        timers.add(1, cancelled)
        timers.add(2, alarm(rung, "b"))
        cancelled.cancel()
        await trio.sleep(10)
        nursery.cancel_scope.cancel()
    assert rung == [("b", 2)]


async def test_an_alarm_may_set_the_next(autojump_clock: MockClock) -> None:
    timers = Timers()
    times: list[float] = []

    def ring() -> None:
        times.append(trio.current_time())
        if len(times) < 3:
            timers.add(trio.current_time() + 2, Alarm(ring))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(timers.run)
        timers.add(1, Alarm(ring))
        await trio.sleep(20)
        nursery.cancel_scope.cancel()
    assert times == [1, 3, 5]


async def test_settled_entries_do_not_pile_up(rung: list[tuple[str, float]]) -> None:
    timers = Timers()
    for _ in range(100_000):
        entry = alarm(rung, "never")
        timers.add(trio.current_time() + 30, entry)
        entry.cancel()
    assert len(timers) <= timers_module.SWEEP_FROM
