"""Workers: on time, within their budget, past poisoned rows, switched by an operator, and never silent for nothing."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import (
    ActorSpec,
    AdjustableClock,
    Call,
    Context,
    Iteration,
    Message,
    NotUnderstood,
    System,
    Tick,
    Worker,
    WorkerStatus,
)

from .kit import EPOCH, Crash, Echo, Note, Sample, actor, group, running, sample


@dataclass(frozen=True, slots=True)
class Look(Call[int]):
    """How often did you look?"""


class Sweeper(Worker):
    """Works through `rows`, a few seconds each; what happens is in `log`, with Trio's time."""

    period = 60.0

    def __init__(
        self, context: Context, rows: list[str], log: list[tuple[str, float]], seconds: float = 0.0
    ) -> None:
        super().__init__(context)
        self.rows = rows
        self.log = log
        self.seconds = seconds

    async def tick(self) -> Iteration:
        self.log.append(("tick", trio.current_time()))
        return await self.each(list(self.rows), self.handle, key=str)

    async def handle(self, row: str) -> None:
        await trio.sleep(self.seconds)
        if row.startswith("poison"):
            raise ValueError(f"cannot digest {row}")
        if row.startswith("remote"):
            await self.context.ref("remote").call(Crash())
        if row.startswith("fatal"):
            raise BaseExceptionGroup("dead", [KeyError(row)])
        self.log.append((row, trio.current_time()))
        self.rows.remove(row)


def sweeper(
    rows: list[str], log: list[tuple[str, float]], seconds: float = 0.0, **settings: object
) -> ActorSpec:
    return ActorSpec("w", lambda context: Sweeper(context, rows, log, seconds), settings=settings)


def worker_status(system: System) -> WorkerStatus:
    (status,) = [status.worker for status in system.status().actors() if status.name == "w"]
    assert status is not None
    return status


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
    assert events.count("work goes on") == 1


async def test_nothing_due_is_no_alert(autojump_clock: MockClock) -> None:
    async with running(sweeper([], [])) as system:
        await trio.sleep(200)
        assert worker_status(system).alert is None


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


async def test_a_stop_ends_a_long_tick_at_the_next_row(autojump_clock: MockClock) -> None:
    log: list[tuple[str, float]] = []
    async with running(sweeper(list("abcdef"), log, seconds=2)):
        await trio.sleep(3)
    assert [row for row, _ in log] == ["tick", "a", "b"]


async def test_the_last_and_the_next_run_are_in_the_status(autojump_clock: MockClock) -> None:
    async with running(sweeper(["a"], [], seconds=4)) as system:
        await trio.sleep(70)
        status = worker_status(system)
        assert status.last_run == EPOCH + timedelta(seconds=60)
        assert status.next_run == EPOCH + timedelta(seconds=120)
        assert status.last_seconds == 0
        assert (status.due, status.done) == (0, 0)


async def test_a_worker_answers_for_messages_of_its_own_and_no_others() -> None:
    async with running(sweeper([], [])) as system:
        with pytest.raises(NotUnderstood):
            await system.ref("w").call(Echo(1))


async def test_a_worker_without_a_tick_says_so() -> None:
    async with running(actor("w", Worker)) as system:
        await wait_all_tasks_blocked()
        (status,) = system.status().actors()
        assert status.last_error == "NotImplementedError: Worker must define tick"
