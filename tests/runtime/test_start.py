"""Ordered start by readiness, and a start that fails whole and says why."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from runtime import ActorSpec, ConfigError, StartFailed, StartInterrupted, System

from .kit import CrashSoon, Sample, actor, running, sample, system_from


class SlowStart(Sample):
    async def started(self) -> None:
        self.journal.append(f"{self.context.name} starting")
        await trio.sleep(3)
        await super().started()


class FailingStart(Sample):
    async def started(self) -> None:
        await trio.sleep(1)
        raise ConnectionRefusedError("nobody listens on port 5432")


async def start_alone(system: System) -> None:
    """Start outside of any group of errors, as a command line would see it."""
    failure: BaseException | None = None
    async with trio.open_nursery() as nursery:
        try:
            await nursery.start(system.run)
        except StartFailed as error:
            failure = error
        nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure


async def test_each_actor_starts_when_the_one_before_has_started(autojump_clock: MockClock) -> None:
    journal: list[str] = []
    children = [actor(name, lambda context: SlowStart(context, journal)) for name in "abc"]
    async with running(*children):
        assert trio.current_time() == pytest.approx(9)
        assert journal == ["a starting", "a started", "b starting", "b started", "c starting", "c started"]


async def test_a_failing_start_says_who_and_why_and_stops_what_had_started(autojump_clock: MockClock) -> None:
    journal: list[str] = []
    system = system_from(
        sample("a", journal), sample("b", journal), actor("c", FailingStart), sample("d", journal)
    )
    with pytest.raises(StartFailed) as failure:
        await start_alone(system)
    assert str(failure.value) == (
        "c did not start: ConnectionRefusedError: nobody listens on port 5432; stopped again: b, a"
    )
    assert isinstance(failure.value.__cause__, ConnectionRefusedError)
    assert journal == ["a started", "b started", "b stopped", "a stopped"]
    assert system.stopped.is_set()


async def test_a_start_that_takes_too_long_fails(autojump_clock: MockClock) -> None:
    with pytest.raises(StartFailed, match="a did not start: TimeoutError: did not start within 2 s"):
        await start_alone(system_from(ActorSpec("a", SlowStart, start_timeout=2)))


async def test_an_actor_that_crashes_while_others_start_is_restarted_as_ever(
    autojump_clock: MockClock,
) -> None:
    journal: list[str] = []
    system = system_from(sample("a", journal), actor("b", lambda context: SlowStart(context, journal)))
    system.ref("a").cast(CrashSoon())
    async with trio.open_nursery() as nursery:
        await nursery.start(system.run)
        assert journal == ["a started", "b starting", "a started", "b started"]
        system.request_stop()


async def test_a_stop_during_the_start_undoes_it(autojump_clock: MockClock) -> None:
    journal: list[str] = []
    system = system_from(
        sample("a", journal), actor("b", lambda context: SlowStart(context, journal)), sample("c")
    )

    async def stop_soon() -> None:
        await trio.sleep(1)
        system.request_stop()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(stop_soon)
        with pytest.raises(StartInterrupted):
            await nursery.start(system.run)
        assert trio.current_time() == pytest.approx(1)
    assert journal == ["a started", "b starting", "a stopped"]


async def test_two_actors_with_one_name_are_refused_before_anything_starts() -> None:
    with pytest.raises(ConfigError, match="two actors are named 'a'"):
        system_from(sample("a"), sample("a"))
