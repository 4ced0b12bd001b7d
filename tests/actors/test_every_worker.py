"""What holds for every worker of the tree (W10 to W15), each on a real database and with real rows.

Time is the test's: it goes on by itself as usual, and jumps when the test says so.
"""

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import structlog
import trio
from trio.testing import MockClock

from actors.tree import _WORKERS
from runtime import Worker
from runtime.alerts import NOTHING_DONE
from runtime.control import serve_control
from runtime.control_client import order, status
from tests.actors.scenes import SCENES
from tests.actors.working import PERIOD, Tick, Ticks, at_work, class_of, due
from tests.fixtures.postgres import Database


@pytest.fixture(autouse=True)
def clock(mock_clock: MockClock) -> MockClock:
    """Runs like any other, and jumps besides."""
    mock_clock.rate = 1.0
    return mock_clock


@pytest.fixture
def reports() -> Any:
    with structlog.testing.capture_logs() as entries:
        yield entries


@pytest.fixture
def ticks(name: str, monkeypatch: pytest.MonkeyPatch) -> Ticks:
    """Those of the worker that the test is about."""
    ticks = Ticks(class_of(name).tick)
    monkeypatch.setattr(class_of(name), "tick", lambda worker: ticks.tick(worker))
    return ticks


def test_every_worker_has_a_scene() -> None:
    assert SCENES.keys() == _WORKERS.keys()


every_worker = pytest.mark.parametrize("name", sorted(SCENES))
#: All but those that only look whether others do their work.
every_worker_that_handles_rows = pytest.mark.parametrize(
    "name", sorted(name for name, scene in SCENES.items() if scene.poisoned)
)
#: All but the one that asks nodes, which has tests of its own.
every_worker_that_scans = pytest.mark.parametrize("name", sorted(SCENES.keys() - {"xray_reconciler"}))


@pytest.mark.requirement("W10")
@every_worker
async def test_a_worker_keeps_its_period_while_every_other_worker_is_busy(
    name: str,
    ticks: Ticks,
    clock: MockClock,
    database: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    others = sorted(_WORKERS.keys() - {name})
    async with due(name, 3, database, tmp_path) as (surroundings, rows):

        async def read_for_ever(worker: Worker) -> None:
            while True:
                await surroundings.readers.fetch(Slept, Slept.QUERY, reader=worker.context.name)

        for other in others:
            monkeypatch.setattr(class_of(other), "tick", read_for_ever)
        async with at_work(ticks, surroundings, name, *others) as stage:
            await ticks.until(lambda: ticks.iterations and rows.all_handled)
            for _ in range(3):
                begun, asked_at = ticks.begun, trio.current_time()
                clock.jump(PERIOD)
                await ticks.until(partial(ticks.more_than, begun))
                assert trio.current_time() - asked_at < 1.5 * PERIOD
                busy = {each.name for each in stage.system.status().actors() if each.message == "Tick"}
                assert busy >= set(others)


@dataclass(frozen=True, slots=True)
class Slept:
    """What a slow query gives."""

    QUERY = "SELECT 1 AS number FROM pg_sleep(0.02)"
    number: int


@pytest.mark.requirement("W11")
@every_worker_that_scans
async def test_a_tick_ends_at_its_budget_and_the_next_goes_on_from_there(
    name: str, ticks: Ticks, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = 2
    # A worker whose pages others make has no such size; if one has another name for it, its first tick does too much.
    monkeypatch.setattr(sys.modules[ticks.own.__module__], "_PAGE", page, raising=False)
    async with due(name, 5, database, tmp_path) as (surroundings, rows):
        # What fails stays due: a tick that began from the start again would never get past these.
        poisoned = rows.due()[:page]
        if rows.scene.poisoned:
            rows.poison(poisoned)
        async with at_work(ticks, surroundings, name, budget=0.0):
            await ticks.until(
                lambda: ticks.iterations and ticks.iterations[-1] and not ticks.iterations[-1].more
            )
        assert rows.due() == poisoned or not rows.scene.poisoned
        assert [iteration and iteration.more for iteration in ticks.iterations[:2]] == [True] * 2


@pytest.mark.requirement("W12")
@every_worker_that_handles_rows
async def test_a_poisoned_row_is_set_aside_and_reported_and_those_behind_it_are_handled(
    name: str,
    ticks: Ticks,
    clock: MockClock,
    database: Database,
    tmp_path: Path,
    reports: list[dict[str, Any]],
) -> None:
    async with due(name, 5, database, tmp_path) as (surroundings, rows):
        poisoned = rows.due()[1]
        rows.poison([poisoned])
        async with at_work(ticks, surroundings, name) as stage:
            await ticks.until(lambda: ticks.iterations)
            assert rows.due() == [poisoned]
            assert stage.status.worker is not None
            assert stage.status.worker.aside == 1
            assert {
                each.name: each.restarts for each in stage.system.status().actors() if each.restarts
            } == {}
            aside = [entry for entry in reports if entry["event"] == "row set aside"]
            [entry] = aside
            assert entry["actor"] == name
            assert poisoned in entry["row"].split(":")

            rows.cure()
            clock.jump(PERIOD)
            await ticks.until(lambda: not rows.due())


@pytest.mark.requirement("W13")
@every_worker
async def test_an_operator_switches_a_worker_off_and_on_while_it_runs_and_sees_that(
    name: str, ticks: Ticks, clock: MockClock, database: Database, tmp_path: Path
) -> None:
    socket = tmp_path / "control.sock"
    async with (
        due(name, 2, database, tmp_path) as (surroundings, rows),
        at_work(ticks, surroundings, name, first_after=PERIOD) as stage,
        trio.open_nursery() as nursery,
    ):
        await nursery.start(serve_control, stage.system, socket)
        waiting = rows.due()

        async def is_on() -> bool:
            found = next(each for each in (await status(socket)).root.actors() if each.name == name)
            assert found.worker is not None
            return found.worker.switched_on

        await order(socket, "switch-off", name)
        assert not await is_on()
        for _ in range(3):
            clock.jump(PERIOD)
            await trio.testing.wait_all_tasks_blocked()
        await order(socket, "restart", name)
        clock.jump(PERIOD)
        await trio.testing.wait_all_tasks_blocked()
        assert (ticks.begun, rows.due(), await is_on()) == (0, waiting, False)

        await order(socket, "switch-on", name)
        assert await is_on()
        await ticks.until(lambda: ticks.iterations and rows.all_handled)
        nursery.cancel_scope.cancel()


async def crash(_: Worker) -> None:
    await trio.lowlevel.checkpoint()
    raise RuntimeError("crashed on purpose")


async def hang(_: Worker) -> None:
    await trio.sleep_forever()


@pytest.mark.requirement("W14")
@every_worker
@pytest.mark.parametrize("fault", [crash, hang])
async def test_a_worker_that_crashes_or_hangs_is_reported_and_goes_on(
    name: str,
    fault: Tick,
    ticks: Ticks,
    clock: MockClock,
    database: Database,
    tmp_path: Path,
    reports: list[dict[str, Any]],
) -> None:
    ticks.instead.append(fault)
    async with (
        due(name, 2, database, tmp_path) as (surroundings, rows),
        at_work(ticks, surroundings, name) as stage,
    ):
        await ticks.until(lambda: ticks.begun)
        if fault is hang:
            await trio.testing.wait_all_tasks_blocked()
            clock.jump(PERIOD + 1)
        await ticks.until(lambda: ticks.iterations and rows.all_handled)
        assert stage.status.restarts == 1
    [crashed] = [entry for entry in reports if entry["event"] == "actor crashed"]
    assert crashed["actor"] == name
    hangs = [entry for entry in reports if entry["event"] == "actor hangs"]
    assert [(entry["actor"], "in hang" in entry["stack"]) for entry in hangs] == [(name, True)] * (
        fault is hang
    )


@pytest.mark.requirement("W15")
@every_worker_that_handles_rows
async def test_rows_that_are_due_and_nothing_done_is_an_alert_until_something_is(
    name: str,
    ticks: Ticks,
    clock: MockClock,
    database: Database,
    tmp_path: Path,
    reports: list[dict[str, Any]],
) -> None:
    async with due(name, 2, database, tmp_path) as (surroundings, rows):
        rows.poison(rows.due())
        async with at_work(ticks, surroundings, name) as stage:
            await ticks.until(lambda: ticks.iterations)
            await trio.testing.wait_all_tasks_blocked()
            assert stage.status.alerts[NOTHING_DONE].endswith("rows are due and none was dealt with")
            assert [entry["actor"] for entry in reports if entry["event"] == NOTHING_DONE] == [name]

            rows.cure()
            clock.jump(PERIOD)
            await ticks.until(lambda: not rows.due())
            await trio.testing.wait_all_tasks_blocked()
            assert stage.status.alerts == {}
