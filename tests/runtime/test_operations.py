"""What an operator does to a system that runs: signals, restarts one after another, a changed configuration."""

from __future__ import annotations

import signal
from collections.abc import MutableMapping
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import (
    ActorSpec,
    AdjustableClock,
    ConfigError,
    Context,
    GroupSpec,
    ReloadFailed,
    System,
    Worker,
    watch_signals,
)
from runtime.describe import described

from .kit import EPOCH, Echo, Note, Sample, Wait, actor, group, running, sample


class Configured(Sample):
    """Answers with its setting; one of them is no good."""

    async def started(self) -> None:
        self.journal.append(str(self.context.settings.get("level")))
        if self.context.settings.get("level") == "bad":
            raise ValueError("no such level")

    async def stopping(self) -> None:
        pass


def configured(name: str, journal: list[str], **settings: object) -> ActorSpec:
    return ActorSpec(name, lambda context: Configured(context, journal), settings=settings)


class Idle(Worker):
    def __init__(self, context: Context, journal: list[str]) -> None:
        super().__init__(context)
        self.journal = journal

    async def started(self) -> None:
        self.journal.append(self.context.name)
        await trio.sleep(1)

    async def tick(self) -> None:
        pass


async def receive_signal(number: signal.Signals) -> None:
    """The signal comes, and all that follows from it at once happens."""
    signal.raise_signal(number)
    await wait_all_tasks_blocked()


async def test_sigusr1_tells_the_tree_with_states_mailboxes_and_stacks(
    mock_clock: MockClock, reports: list[MutableMapping[str, Any]]
) -> None:
    gate = trio.Event()
    async with (
        running(group(sample("busy"), sample("idle"), name="core")) as system,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(watch_signals, system)
        nursery.start_soon(system.ref("busy").call, Wait(gate))
        await wait_all_tasks_blocked()
        system.ref("busy").cast(Note(1))
        mock_clock.jump(2)
        await receive_signal(signal.SIGUSR1)
        gate.set()
        nursery.cancel_scope.cancel()
    (report,) = [entry["tree"] for entry in reports if entry["event"] == "status"]
    assert "  core (one_for_one)\n" in report
    assert "    busy: running, Wait in hand for 2.0 s, 1 queued, oldest 2.0 s" in report
    assert "    idle: running, 0 queued" in report
    assert "await gate.wait()" in report


async def test_sigusr2_restarts_the_workers_one_after_another(autojump_clock: MockClock) -> None:
    journal: list[str] = []
    workers = [actor(name, lambda context: Idle(context, journal)) for name in ("w1", "w2")]
    async with running(sample("a"), *workers) as system, trio.open_nursery() as nursery:
        nursery.start_soon(watch_signals, system)
        await wait_all_tasks_blocked()
        await receive_signal(signal.SIGUSR2)
        assert journal == ["w1", "w2", "w1"]
        await trio.sleep(5)
        assert journal == ["w1", "w2", "w1", "w2"]
        assert next(system.status().actors()).incarnations == 1
        nursery.cancel_scope.cancel()


async def test_the_workers_are_never_down_together(autojump_clock: MockClock) -> None:
    journal: list[str] = []
    workers = [actor(name, lambda context: Idle(context, journal)) for name in ("w1", "w2", "w3")]
    async with running(*workers) as system, trio.open_nursery() as nursery:
        nursery.start_soon(system.restart_workers)
        for _ in range(30):
            await trio.sleep(0.1)
            down = [status.name for status in system.status().actors() if status.state != "running"]
            assert len(down) <= 1
    assert journal == ["w1", "w2", "w3"] * 2


async def test_a_changed_setting_restarts_that_actor_alone() -> None:
    journal: list[str] = []
    tree = group(configured("a", journal, level="low"), configured("b", journal, level="low"))
    system = System(tree, clock=AdjustableClock(EPOCH))
    async with trio.open_nursery() as nursery:
        await nursery.start(system.run)
        journal.clear()
        changed = group(configured("a", journal, level="low"), configured("b", journal, level="high"))
        assert await system.reconfigure(changed) == ["b"]
        assert await system.reconfigure(changed) == []
        assert journal == ["high"]
        assert [status.incarnations for status in system.status().actors()] == [1, 2]
        system.request_stop()


async def test_a_setting_that_is_no_good_leaves_the_old_one(autojump_clock: MockClock) -> None:
    journal: list[str] = []
    system = System(group(configured("a", journal, level="low")), clock=AdjustableClock(EPOCH))
    async with trio.open_nursery() as nursery:
        await nursery.start(system.run)
        with pytest.raises(ReloadFailed, match=r"a was not reloaded.*no such level"):
            await system.reconfigure(group(configured("a", journal, level="bad")))
        assert await system.ref("a").call(Echo(1)) == 1
        assert journal == ["low", "bad", "low"]
        system.request_stop()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (group(sample("a"), sample("c")), "another shape"),
        (group(sample("a")), "another shape"),
        (group(sample("b"), sample("a")), "another shape"),
        (group(sample("a"), sample("b"), strategy="one_for_all"), "another shape"),
        (group(sample("a"), sample("b", mailbox=5)), r"actor\.b\.mailbox: found 5, expected 1024 as it was"),
    ],
)
async def test_a_tree_of_another_shape_needs_a_new_process_and_changes_nothing(
    changed: GroupSpec, message: str
) -> None:
    system = System(group(sample("a"), sample("b")), clock=AdjustableClock(EPOCH))
    async with trio.open_nursery() as nursery:
        await nursery.start(system.run)
        with pytest.raises(ConfigError, match=message):
            await system.reconfigure(changed)
        assert [status.incarnations for status in system.status().actors()] == [1, 1]
        system.request_stop()


async def test_sighup_reads_the_configuration_again_and_a_mistake_in_it_changes_nothing(
    reports: list[MutableMapping[str, Any]],
) -> None:
    read = 0

    async def read_again() -> None:
        nonlocal read
        read += 1
        await trio.lowlevel.checkpoint()
        raise ConfigError("tree.strategy: found 'x', expected one of …")

    async with running(sample("a")) as system, trio.open_nursery() as nursery:
        nursery.start_soon(watch_signals, system, read_again)
        await wait_all_tasks_blocked()
        await receive_signal(signal.SIGHUP)
        assert read == 1
        assert await system.ref("a").call(Echo(1)) == 1
        nursery.cancel_scope.cancel()
    (report,) = [entry for entry in reports if entry["event"] == "configuration not taken"]
    assert report["reason"].startswith("tree.strategy")


async def test_a_restart_returns_when_it_is_done_or_says_why_not(autojump_clock: MockClock) -> None:
    journal: list[str] = []
    spec = configured("a", journal, level="low")
    async with running(spec) as system:
        await system.restart("a")
        assert journal == ["low", "low"]
        system.request_stop()
        with pytest.raises(ReloadFailed, match="it is being stopped"):
            await system.restart("a")
    with pytest.raises(ReloadFailed, match="it is being stopped"):
        await system.restart("a")


async def test_the_tree_reads_well(autojump_clock: MockClock) -> None:
    async with running(group(sample("a"), sample("b", restart="temporary"), name="core")) as system:
        system.suspend("a")
        system.ref("a").cast(Note(1))
        await trio.sleep(2)
        expected = [
            "root (one_for_one)",
            "  core (one_for_one)",
            "    a: suspended, 1 queued, oldest 2.0 s, 0 handled",
            "    b: running, 0 queued, 0 handled",
        ]
        assert described(system.status()).splitlines() == expected


async def test_who_waits_for_a_restart_is_told_when_the_system_is_cancelled(
    autojump_clock: MockClock,
) -> None:
    outcomes: list[str] = []
    journal: list[str] = []
    system = System(group(actor("a", lambda context: Idle(context, journal))), clock=AdjustableClock(EPOCH))

    async def restart() -> None:
        with pytest.raises(ReloadFailed):
            await system.restart("a")
        outcomes.append("told")

    async with trio.open_nursery() as operators, trio.open_nursery() as nursery:
        await nursery.start(system.run)
        operators.start_soon(restart)
        await trio.sleep(0.5)
        assert journal == ["a", "a"]
        nursery.cancel_scope.cancel()
    assert outcomes == ["told"]
