"""The loop is watched from outside: who held it, and where."""

from __future__ import annotations

import time
from collections.abc import MutableMapping
from typing import Any

import pytest
import trio

from runtime import Message, watchdog
from runtime.watchdog import Turns, watch_loop

from .kit import Echo, Note, Sample, actor, running


class Blocking(Sample):
    """Holds the loop until the patrol has seen that: on a busy machine it may take longer than the limit."""

    turns: Turns

    async def receive(self, message: Message) -> object:
        if isinstance(message, Note):
            self.compute_too_much()
        return await super().receive(message)

    def compute_too_much(self) -> None:
        end = time.perf_counter() + 10
        while self.turns.caught[0] != self.turns.serial and time.perf_counter() < end:
            pass


@pytest.mark.requirement("E2")
async def test_an_actor_that_holds_the_loop_is_reported_with_its_name_and_stack(
    reports: list[MutableMapping[str, Any]],
) -> None:
    async with watch_loop() as turns, running(actor("culprit", Blocking)) as system:
        Blocking.turns = turns
        system.ref("culprit").cast(Note(1))
        await system.ref("culprit").call(Echo(1))
        assert turns.breaches >= 1
    held = [entry for entry in reports if entry["event"] == "loop was held"]
    # A busy machine may hold up any other turn as well.
    (report,) = [entry for entry in held if "compute_too_much" in entry["stack"]]
    assert report["actor"] == "culprit"
    assert report["milliseconds"] >= 50


class Stopwatch(trio.abc.Instrument):
    """In place of the machine's own: each turn takes 10 ms, each wait of the loop an hour."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self.now += 0.010

    def after_io_wait(self, timeout: float) -> None:
        self.now += 3600


async def test_a_loop_that_is_idle_or_merely_busy_is_not_reported(
    monkeypatch: pytest.MonkeyPatch, reports: list[MutableMapping[str, Any]]
) -> None:
    stopwatch = Stopwatch()
    monkeypatch.setattr(watchdog, "time", stopwatch)
    trio.lowlevel.add_instrument(stopwatch)
    async with watch_loop() as turns, running(actor("a", Sample)) as system:
        await trio.sleep(0.001)
        for _ in range(100):
            await system.ref("a").call(Echo(1))
        assert turns.breaches == 0
        assert turns.longest == pytest.approx(0.010)
    assert stopwatch.now > 3600 + 100 * 0.010
    assert "loop was held" not in [entry["event"] for entry in reports]


async def test_a_breach_that_is_too_short_for_the_patrol_still_names_the_actor(
    reports: list[MutableMapping[str, Any]],
) -> None:
    async with watch_loop(longest_turn=0.0) as turns, running(actor("a", Sample)) as system:
        await system.ref("a").call(Echo(1))
        assert turns.breaches > 0
    assert "a" in {entry["actor"] for entry in reports if entry["event"] == "loop was held"}
