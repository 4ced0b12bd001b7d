"""Failure after failure: restarts wait longer and longer, and what is too often climbs to the group above."""

from __future__ import annotations

from itertools import pairwise

import pytest
import trio
from trio.testing import MockClock

from runtime import Intensity, TreeFailed

from .kit import (
    CrashSoon,
    Echo,
    Note,
    Sample,
    actor,
    crash,
    group,
    incarnations,
    running,
    sample,
    states,
    system_of,
)


async def test_too_many_restarts_of_a_group_are_a_failure_of_the_group(autojump_clock: MockClock) -> None:
    tree = group(
        group(sample("a"), sample("b"), name="core", intensity=Intensity(2, 60.0)),
        group(sample("c"), name="edge"),
        strategy="rest_for_one",
    )
    async with system_of(tree) as system:
        for _ in range(2):
            await crash(system, "a")
            await trio.sleep(1)
        assert incarnations(system) == {"a": 3, "b": 1, "c": 1}
        await crash(system, "a")
        await trio.sleep(1)
        assert incarnations(system) == {"a": 4, "b": 2, "c": 2}


async def test_restarts_that_are_far_enough_apart_are_never_too_many(autojump_clock: MockClock) -> None:
    tree = group(group(sample("a"), sample("b"), name="core", intensity=Intensity(1, 10.0)))
    async with system_of(tree) as system:
        for _ in range(5):
            await system.ref("a").call(Echo(1))
            await trio.sleep(20)
            await crash(system, "a")
        assert incarnations(system) == {"a": 6, "b": 1}


async def test_too_many_restarts_of_the_root_drain_the_tree_and_fail(autojump_clock: MockClock) -> None:
    journal: list[str] = []
    tree = group(sample("a", journal), sample("b", journal), intensity=Intensity(1, 60.0))
    with pytest.RaisesGroup(
        pytest.RaisesExc(TreeFailed, match="the actors of root failed too often, last: RuntimeError: on")
    ):
        async with system_of(tree) as system:
            await crash(system, "b")
            await trio.sleep(1)
            system.ref("a").cast(Note(1))
            await crash(system, "b")
            await system.stopped.wait()
    assert journal[-2:] == ["a 1", "a stopped"]


async def test_restarts_in_a_row_wait_longer_and_longer_with_jitter(autojump_clock: MockClock) -> None:
    births: list[float] = []

    class Doomed(Sample):
        async def started(self) -> None:
            births.append(trio.current_time())
            if len(births) > 1:
                raise OSError("no such host")

    async with running(actor("a", Doomed)) as system:
        system.ref("a").cast(CrashSoon())
        await trio.sleep(100)
        assert states(system)["a"] == "backoff"
    gaps = [later - earlier for earlier, later in pairwise(births)]
    assert gaps[0] == 0
    assert gaps[1] == pytest.approx(0.1, rel=0.2)
    assert gaps[4] == pytest.approx(0.8, rel=0.2)
    assert max(gaps) <= 36
    assert gaps[1] != 0.1


async def test_a_backoff_of_one_holds_up_nobody_else(autojump_clock: MockClock) -> None:
    class Doomed(Sample):
        async def started(self) -> None:
            if self.journal:
                raise OSError("no such host")
            self.journal.append("born")

    journal: list[str] = []
    async with running(actor("a", lambda context: Doomed(context, journal)), sample("b")) as system:
        await crash(system, "a")
        await trio.sleep(10)
        await crash(system, "b")
        assert incarnations(system)["b"] == 2
        assert states(system) == {"a": "backoff", "b": "running"}


async def test_the_one_that_fails_to_come_back_is_tried_again_and_its_dependents_follow(
    autojump_clock: MockClock,
) -> None:
    attempts: list[float] = []
    journal: list[str] = []

    class Stubborn(Sample):
        async def started(self) -> None:
            attempts.append(trio.current_time())
            if len(attempts) in (2, 3, 4):
                raise OSError("not yet")
            await super().started()

    children = [
        sample("a", journal),
        actor("b", lambda context: Stubborn(context, journal)),
        sample("c", journal),
    ]
    async with running(*children, strategy="rest_for_one") as system:
        journal.clear()
        await crash(system, "b")
        await trio.sleep(5)
        assert journal == ["c stopped", "b started", "c started"]
        assert len(attempts) == 5
