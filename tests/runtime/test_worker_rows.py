"""A worker goes past poisoned rows, comes back to them, and is never silent when nothing gets done."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from typing import Any

import trio
from trio.testing import MockClock

from runtime import ActorSpec, Iteration

from .kit import running, sample
from .sweeping import Sweeper, sweeper, worker_status


async def test_a_poisoned_row_is_set_aside_reported_and_does_not_stop_the_rows_behind_it(
    autojump_clock: MockClock, reports: list[MutableMapping[str, Any]]
) -> None:
    log: list[tuple[str, float]] = []
    async with running(sweeper(["poison 1", "a", "b"], log)) as system:
        await trio.sleep(1)
        assert log == [("tick", 0), ("a", 0), ("b", 0)]
        status = worker_status(system)
        assert (status.due, status.done, status.aside) == (3, 2, 1)
    (report,) = [entry for entry in reports if entry["event"] == "row set aside"]
    assert report["row"] == "poison 1"
    assert isinstance(report["exc_info"], ValueError)


async def test_a_row_that_was_set_aside_is_tried_again_less_and_less_often(
    autojump_clock: MockClock, reports: list[MutableMapping[str, Any]]
) -> None:
    log: list[tuple[str, float]] = []
    async with running(sweeper(["poison 1"], log)):
        await trio.sleep(60 * 20)
    failures = [entry["failures"] for entry in reports if entry["event"] == "row set aside"]
    assert failures == [1, 2, 3, 4, 5]
    assert len(log) == 20


async def test_a_row_that_recovers_is_forgotten(autojump_clock: MockClock) -> None:
    log: list[tuple[str, float]] = []
    broken = True

    class Moody(Sweeper):
        async def handle(self, row: str) -> None:
            if broken:
                raise ValueError("not now")
            await super().handle(row)

    async with running(ActorSpec("w", lambda context: Moody(context, ["a"], log))) as system:
        await trio.sleep(30)
        assert worker_status(system).aside == 1
        broken = False
        await trio.sleep(60)
        assert worker_status(system).aside == 0
        assert ("a", 60) in log


async def test_rows_that_are_set_aside_do_not_use_up_a_budget_for_those_behind_them(
    autojump_clock: MockClock,
) -> None:
    log: list[tuple[str, float]] = []
    async with running(sweeper(["poison 1", "poison 2", "a", "b"], log, budget=0.0)):
        await trio.sleep(30)
    assert [row for row, _ in log if row != "tick"] == ["a", "b"]


async def test_somebody_elses_failure_is_no_rows_fault(
    autojump_clock: MockClock, reports: list[MutableMapping[str, Any]]
) -> None:
    log: list[tuple[str, float]] = []
    async with running(sample("remote"), sweeper(["remote", "a"], log)) as system:
        await trio.sleep(30)
        assert worker_status(system).aside == 0
        assert [status.incarnations for status in system.status().actors()] == [2, 1]
    assert "message not carried out" in [entry["event"] for entry in reports]


async def test_rows_due_and_nothing_done_is_an_alert_until_something_is(
    autojump_clock: MockClock, reports: list[MutableMapping[str, Any]]
) -> None:
    log: list[tuple[str, float]] = []
    rows = ["poison 1"]
    async with running(sweeper(rows, log)) as system:
        await trio.sleep(30)
        assert worker_status(system).alert == "1 rows are due and none was dealt with"
        rows.append("a")
        await trio.sleep(60)
        assert worker_status(system).alert is None
    events = [entry["event"] for entry in reports]
    assert events.count("nothing was done") == 1
    assert events.count("alert is over") == 1


async def test_nothing_due_is_no_alert(autojump_clock: MockClock) -> None:
    async with running(sweeper([], [])) as system:
        await trio.sleep(200)
        assert worker_status(system).alert is None


async def test_rows_done_side_by_side_fail_alone_and_somebody_elses_failure_is_none_of_theirs(
    autojump_clock: MockClock,
) -> None:
    log: list[tuple[str, float]] = []

    class Wide(Sweeper):
        async def tick(self) -> Iteration:
            return await self.each(list(self.rows), self.handle, key=str, at_once=3)

    rows = ["a", "poison 1", "b", "c", "remote", "d"]
    async with running(
        sample("remote"), ActorSpec("w", lambda context: Wide(context, rows, log, 5.0))
    ) as system:
        await trio.sleep(30)
        assert sorted(entry for entry in log if entry[1] > 0) == [("a", 5), ("b", 5), ("c", 10), ("d", 10)]
        assert worker_status(system).aside == 1
    assert rows == ["poison 1", "remote"]


async def test_rows_that_are_handled_together_are_halved_down_to_the_poisoned_ones(
    autojump_clock: MockClock, reports: list[MutableMapping[str, Any]]
) -> None:
    tried: list[list[str]] = []

    class Together(Sweeper):
        async def tick(self) -> Iteration:
            return await self.together(self.rows, self.handle_all, key=str)

        async def handle_all(self, rows: Sequence[str]) -> int:
            tried.append(list(rows))
            if any(row.startswith("poison") for row in rows):
                raise ValueError("one of these")
            return len(rows)

    rows = ["a", "b", "poison 1", "c", "d", "e", "f", "g"]
    async with running(ActorSpec("w", lambda context: Together(context, rows, []))) as system:
        await trio.sleep(1)
        status = worker_status(system)
        assert (status.due, status.done, status.aside) == (8, 7, 1)
    assert tried == [rows, rows[:4], rows[:2], rows[2:4], ["poison 1"], ["c"], rows[4:]]
    (report,) = [entry for entry in reports if entry["event"] == "row set aside"]
    assert report["row"] == "poison 1"


async def test_rows_that_are_handled_side_by_side_are_all_counted(
    autojump_clock: MockClock, reports: list[MutableMapping[str, Any]]
) -> None:
    class Wide(Sweeper):
        async def tick(self) -> Iteration:
            return await self.each(list(self.rows), self.handle, key=str, at_once=3)

    rows = ["a", "b", "c", "d", "poison 1"]
    async with running(ActorSpec("w", lambda context: Wide(context, rows, [], 1.0))) as system:
        await trio.sleep(10)
        status = worker_status(system)
        assert (status.due, status.done) == (5, 4)
