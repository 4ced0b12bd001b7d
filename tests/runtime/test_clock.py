"""Time of day, and a clock that can be moved under everything that runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import AdjustableClock, SystemClock
from runtime import clock as clock_module

from .kit import EPOCH


async def test_an_adjustable_clock_follows_trios_time(autojump_clock: MockClock) -> None:
    clock = AdjustableClock(EPOCH)
    assert clock.now() == EPOCH
    await trio.sleep(90)
    assert clock.now() == EPOCH + timedelta(seconds=90)


async def test_moving_the_clock_wakes_those_whose_time_has_come_and_only_those(
    autojump_clock: MockClock,
) -> None:
    clock = AdjustableClock(EPOCH)
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, days: int) -> None:
        await clock.sleep_until(EPOCH + timedelta(days=days))
        woken.append((name, trio.current_time()))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(sleeper, "a day", 1)
        nursery.start_soon(sleeper, "a month", 30)
        await wait_all_tasks_blocked()
        clock.move(timedelta(days=2))
        await wait_all_tasks_blocked()
        assert woken == [("a day", 0)]
        clock.move(timedelta(days=28))
        await wait_all_tasks_blocked()
        assert woken == [("a day", 0), ("a month", 0)]


async def test_a_duration_passes_faster_when_the_clock_is_moved(autojump_clock: MockClock) -> None:
    clock = AdjustableClock(EPOCH)

    async def move_soon() -> None:
        await trio.sleep(10)
        clock.move(timedelta(hours=1))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(move_soon)
        await clock.sleep(3600)
        assert trio.current_time() == 10


async def test_a_sleep_into_the_past_ends_at_once(autojump_clock: MockClock) -> None:
    clock = AdjustableClock(EPOCH)
    await clock.sleep_until(EPOCH - timedelta(days=1))
    assert trio.current_time() == 0


def test_the_clock_never_moves_back() -> None:
    with pytest.raises(ValueError, match="forward only"):
        AdjustableClock(EPOCH).move(timedelta(seconds=-1))


def test_a_start_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        AdjustableClock(datetime(2030, 1, 1))  # noqa: DTZ001


async def test_a_start_in_another_zone_is_told_in_utc(autojump_clock: MockClock) -> None:
    clock = AdjustableClock(datetime(2030, 1, 1, 3, tzinfo=timezone(timedelta(hours=3))))
    assert clock.now().isoformat() == "2030-01-01T00:00:00+00:00"


async def test_the_systems_clock_is_the_hosts() -> None:
    before = datetime.now(UTC)
    assert before <= SystemClock().now() <= datetime.now(UTC)


async def test_a_sleep_by_the_hosts_clock_notices_that_the_host_was_suspended(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A monotonic timer does not run while a host sleeps; the time of day does."""
    host = AdjustableClock(EPOCH)

    class HostTime(datetime):
        @classmethod
        def now(cls, tz: object = None) -> HostTime:
            return cls.fromtimestamp(host.now().timestamp(), UTC)

    monkeypatch.setattr(clock_module, "datetime", HostTime)

    async def suspend_host() -> None:
        await trio.sleep(100)
        host.move(timedelta(hours=2))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(suspend_host)
        await SystemClock().sleep_until(EPOCH + timedelta(hours=1))
        assert trio.current_time() <= 100 + clock_module.LONGEST_NAP
