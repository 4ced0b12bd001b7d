"""Who is restarted with whoever failed, and whose end is final: Erlang/OTP's rules."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from trio.testing import wait_all_tasks_blocked

from runtime import ActorSpec, Message, System
from runtime.specs import Restart, Strategy

from .kit import Note, Sample, crash, group, incarnations, running, sample, states, system_of


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("one_for_one", {"a": 1, "b": 2, "c": 1}),
        ("rest_for_one", {"a": 1, "b": 2, "c": 2}),
        ("one_for_all", {"a": 2, "b": 2, "c": 2}),
    ],
)
async def test_a_strategy_says_who_is_restarted_with_the_one_that_failed(
    strategy: Strategy, expected: dict[str, int]
) -> None:
    async with running(sample("a"), sample("b"), sample("c"), strategy=strategy) as system:
        await crash(system, "b")
        assert incarnations(system) == expected
        assert set(states(system).values()) == {"running"}


async def test_siblings_are_taken_down_in_reverse_and_brought_up_in_order() -> None:
    journal: list[str] = []
    children = [sample(name, journal) for name in "abcd"]
    async with running(*children, strategy="one_for_all") as system:
        journal.clear()
        await crash(system, "b")
        expected = ["d stopped", "c stopped", "a stopped", "a started", "b started", "c started", "d started"]
        assert journal == expected


@pytest.mark.parametrize(
    ("restart", "ending", "expected"),
    [
        ("permanent", "crash", "running"),
        ("permanent", "finish", "running"),
        ("transient", "crash", "running"),
        ("transient", "finish", "stopped"),
        ("temporary", "crash", "stopped"),
        ("temporary", "finish", "stopped"),
    ],
)
async def test_the_restart_word_says_whether_an_end_is_final(
    restart: Restart, ending: str, expected: str
) -> None:
    class Finishing(Sample):
        async def receive(self, message: Message) -> object:
            if isinstance(message, Note):
                self.context.finish()
            return await super().receive(message)

    async with running(ActorSpec("a", Finishing, restart=restart), sample("b")) as system:
        if ending == "crash":
            await crash(system, "a")
        else:
            system.ref("a").cast(Note(1))
            await wait_all_tasks_blocked()
        assert states(system)["a"] == expected
        assert incarnations(system)["a"] == (2 if expected == "running" else 1)


async def test_the_death_of_a_temporary_actor_touches_nobody() -> None:
    async with running(sample("a", restart="temporary"), sample("b"), strategy="one_for_all") as system:
        await crash(system, "a")
        assert incarnations(system) == {"a": 1, "b": 1}


async def test_a_temporary_actor_taken_down_with_a_sibling_stays_down() -> None:
    async with running(sample("a"), sample("b", restart="temporary"), strategy="one_for_all") as system:
        await crash(system, "a")
        assert states(system) == {"a": "running", "b": "stopped"}


async def test_a_transient_actor_taken_down_with_a_sibling_comes_back() -> None:
    async with running(sample("a"), sample("b", restart="transient"), strategy="one_for_all") as system:
        await crash(system, "a")
        assert incarnations(system) == {"a": 2, "b": 2}


@asynccontextmanager
async def a_transient_actor_has_finished_and_its_sibling_crashed() -> AsyncIterator[System]:
    class Finishing(Sample):
        async def receive(self, message: Message) -> object:
            self.context.finish()
            return None

    spec = ActorSpec("b", Finishing, restart="transient")
    async with running(sample("a"), spec, strategy="one_for_all") as system:
        system.ref("b").cast(Note(1))
        await wait_all_tasks_blocked()
        await crash(system, "a")
        yield system


async def test_a_transient_actor_that_had_finished_is_not_started_again_with_a_sibling() -> None:
    async with a_transient_actor_has_finished_and_its_sibling_crashed() as system:
        assert incarnations(system) == {"a": 2, "b": 1}


async def test_an_actor_that_had_finished_still_shows_as_stopped_when_a_sibling_is_restarted() -> None:
    async with a_transient_actor_has_finished_and_its_sibling_crashed() as system:
        assert states(system) == {"a": "running", "b": "stopped"}
        assert [status.restarts for status in system.status().actors()] == [1, 0]


async def test_a_group_is_a_child_like_any_other_of_the_group_above() -> None:
    tree = group(
        group(sample("a"), sample("b"), name="core", strategy="rest_for_one"),
        group(sample("c"), sample("d"), name="edge", strategy="one_for_one"),
        strategy="rest_for_one",
    )
    async with system_of(tree) as system:
        await crash(system, "a")
        assert incarnations(system) == {"a": 2, "b": 2, "c": 1, "d": 1}
        await crash(system, "c")
        assert incarnations(system) == {"a": 2, "b": 2, "c": 2, "d": 1}
