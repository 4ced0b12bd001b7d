"""The loop is watched from outside: who held it, and where."""

from __future__ import annotations

import time
from collections.abc import MutableMapping
from typing import Any

import pytest
import trio

from runtime import Message
from runtime.watchdog import Turns, watch_loop

from .kit import Echo, Note, Sample, actor, running


class Blocking(Sample):
    """Holds the loop until the patrol has seen it: on a busy machine that may take longer than the limit."""

    turns: Turns

    async def receive(self, message: Message) -> object:
        if isinstance(message, Note):
            self.compute_too_much()
        return await super().receive(message)

    def compute_too_much(self) -> None:
        end = time.perf_counter() + 10
        while not self.turns.caught[1] and time.perf_counter() < end:
            pass


@pytest.mark.requirement("E2")
async def test_an_actor_that_holds_the_loop_is_reported_with_its_name_and_stack(
    reports: list[MutableMapping[str, Any]],
) -> None:
    async with watch_loop() as turns, running(actor("culprit", Blocking)) as system:
        Blocking.turns = turns
        system.ref("culprit").cast(Note(1))
        await system.ref("culprit").call(Echo(1))
        assert turns.breaches == 1
    (report,) = [entry for entry in reports if entry["event"] == "loop was held"]
    assert report["actor"] == "culprit"
    assert report["milliseconds"] >= 50
    assert "compute_too_much" in report["stack"]


async def test_a_loop_that_is_idle_or_merely_busy_is_not_reported(
    reports: list[MutableMapping[str, Any]],
) -> None:
    # Generous, because the machine may be shared: what matters is that waiting and many short turns do not add up.
    async with watch_loop(longest_turn=0.2) as turns, running(actor("a", Sample)) as system:
        await trio.sleep(0.25)
        end = time.perf_counter() + 0.25
        while time.perf_counter() < end:
            await system.ref("a").call(Echo(1))
        assert turns.breaches == 0
        assert turns.longest < 0.2
    assert "loop was held" not in [entry["event"] for entry in reports]


async def test_a_breach_that_is_too_short_for_the_patrol_still_names_the_actor(
    reports: list[MutableMapping[str, Any]],
) -> None:
    async with watch_loop(longest_turn=0.0) as turns, running(actor("a", Sample)) as system:
        await system.ref("a").call(Echo(1))
        assert turns.breaches > 0
    assert "a" in {entry["actor"] for entry in reports if entry["event"] == "loop was held"}
