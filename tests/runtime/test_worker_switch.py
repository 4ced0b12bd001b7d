"""What an operator sees of a worker, and the switch that stops it."""

from __future__ import annotations

from datetime import timedelta

import pytest
import trio
from trio.testing import MockClock

from .kit import EPOCH, running, sample
from .sweeping import sweeper, worker_status


@pytest.mark.requirement("W13")
async def test_the_kill_switch_stops_a_worker_that_runs_and_shows(autojump_clock: MockClock) -> None:
    log: list[tuple[str, float]] = []
    async with running(sweeper(list("abc"), log, seconds=10)) as system:
        await trio.sleep(5)
        system.switch("w", on=False)
        await trio.sleep(200)
        assert log == [("tick", 0), ("a", 10)]
        assert worker_status(system).switched_on is False
        system.request_restart("w")
        await trio.sleep(200)
        assert log == [("tick", 0), ("a", 10)], "a switch survives a restart"
        system.switch("w", on=True)
        await trio.sleep(25)
        assert [row for row, _ in log] == ["tick", "a", "tick", "b", "c"]
        assert worker_status(system).switched_on is True


async def test_a_worker_can_start_switched_off(autojump_clock: MockClock) -> None:
    log: list[tuple[str, float]] = []
    async with running(sweeper(["a"], log, switched_on=False)) as system:
        await trio.sleep(100)
        assert log == []
        assert worker_status(system).switched_on is False


async def test_only_a_worker_has_a_switch() -> None:
    async with running(sample("a")) as system:
        with pytest.raises(ValueError, match="a has no switch"):
            system.switch("a", on=False)


async def test_the_last_and_the_next_run_are_in_the_status(autojump_clock: MockClock) -> None:
    async with running(sweeper(["a"], [], seconds=4)) as system:
        await trio.sleep(70)
        status = worker_status(system)
        assert status.last_run == EPOCH + timedelta(seconds=60)
        assert status.next_run == EPOCH + timedelta(seconds=120)
        assert status.last_seconds == 0
        assert (status.due, status.done) == (0, 0)
