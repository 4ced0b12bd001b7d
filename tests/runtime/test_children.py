"""Children started at run time live inside their parent's incarnation; monitors hear of deaths."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import (
    ActorSpec,
    ActorStopped,
    Call,
    Context,
    Down,
    Message,
    StartFailed,
    UnknownActor,
)

from .kit import Echo, Note, Sample, actor, crash, running, sample, states


@dataclass(frozen=True, slots=True)
class Adopt(Call[str]):
    """Start a child; answers its full name, or why it did not start."""

    spec: ActorSpec


@dataclass(frozen=True, slots=True)
class Dismiss(Call[None]):
    name: str


class Parent(Sample):
    """Starts the children it is asked to, and from its second incarnation on those in `kept`."""

    def __init__(self, context: Context, journal: list[str], kept: tuple[ActorSpec, ...] = ()) -> None:
        super().__init__(context, journal)
        self.kept = kept

    async def started(self) -> None:
        await super().started()
        for spec in self.kept:
            await self.context.start_child(spec)

    async def receive(self, message: Message) -> object:
        match message:
            case Adopt(spec):
                try:
                    return (await self.context.start_child(spec)).name
                except (StartFailed, ValueError) as error:
                    return str(error)
            case Dismiss(name):
                await self.context.stop_child(name)
                return None
            case _:
                return await super().receive(message)


def parent(journal: list[str], *kept: ActorSpec) -> ActorSpec:
    return actor("p", lambda context: Parent(context, journal, kept))


async def test_a_child_is_an_actor_with_an_address_below_its_parents() -> None:
    journal: list[str] = []
    async with running(parent(journal)) as system:
        assert await system.ref("p").call(Adopt(sample("x", journal))) == "p/x"
        assert await system.ref("p/x").call(Echo(5)) == 5
        assert states(system) == {"p": "running", "p/x": "running"}
    assert journal == ["p started", "p/x started", "p stopped", "p/x stopped"]


async def test_a_child_that_crashes_is_restarted_and_its_parent_is_not() -> None:
    async with running(parent([])) as system:
        await system.ref("p").call(Adopt(sample("x")))
        await crash(system, "p/x")
        assert await system.ref("p/x").call(Echo(5)) == 5
        assert [status.incarnations for status in system.status().actors()] == [1, 2]


async def test_children_end_with_their_parents_incarnation(autojump_clock: MockClock) -> None:
    journal: list[str] = []
    async with running(parent(journal), sample("other")) as system:
        await system.ref("p").call(Adopt(sample("x", journal)))
        child = system.ref("p/x")
        await crash(system, "p")
        assert journal == ["p started", "p/x started", "p/x stopped", "p started"]
        assert states(system) == {"p": "running", "other": "running"}
        with pytest.raises(ActorStopped):
            await child.call(Echo(1))


async def test_a_child_that_the_next_incarnation_starts_again_keeps_its_address_and_mail() -> None:
    journal: list[str] = []
    child = sample("x", journal)
    async with running(parent(journal, child)) as system:
        ref = system.ref("p/x")
        gate = trio.Event()
        system.suspend("p/x")
        ref.cast(Note(1))
        ref.cast(Note(2))
        await crash(system, "p")
        assert states(system)["p/x"] == "suspended"
        system.resume("p/x")
        assert await ref.call(Echo(3)) == 3
        gate.set()
    assert [entry for entry in journal if entry in ("p/x 1", "p/x 2")] == ["p/x 1", "p/x 2"]


async def test_a_child_that_does_not_start_is_its_parents_to_handle(autojump_clock: MockClock) -> None:
    class Broken(Sample):
        async def started(self) -> None:
            raise OSError("node is unreachable")

    async with running(parent([])) as system:
        answer = await system.ref("p").call(Adopt(actor("x", Broken)))
        assert answer == "p/x did not start: OSError: node is unreachable"
        assert states(system) == {"p": "running"}
        assert await system.ref("p").call(Adopt(sample("x"))) == "p/x"
        assert await system.ref("p").call(Adopt(sample("x"))) == "p/x is already there"


async def test_a_dismissed_child_drains_and_is_gone() -> None:
    journal: list[str] = []
    async with running(parent(journal)) as system:
        await system.ref("p").call(Adopt(sample("x", journal)))
        ref = system.ref("p/x")
        system.suspend("p/x")
        ref.cast(Note(1))
        await system.ref("p").call(Dismiss("x"))
        assert journal == ["p started", "p/x started", "p/x 1", "p/x stopped"]
        assert states(system) == {"p": "running"}
        with pytest.raises(ActorStopped):
            await ref.call(Echo(1))
        with pytest.raises(UnknownActor):
            system.ref("p/x")
        await system.ref("p").call(Adopt(sample("x", journal)))
        assert await ref.call(Echo(2)) == 2


async def test_children_that_crash_too_often_are_a_crash_of_their_parent(autojump_clock: MockClock) -> None:
    async with running(parent([])) as system:
        for number in range(21):
            await system.ref("p").call(Adopt(sample(f"x{number}")))
        for number in range(21):
            await crash(system, f"p/x{number}")
        await trio.sleep(1)
        (status,) = system.status().actors()
        assert status.incarnations == 2
        assert status.last_error is not None
        assert "the actors of p failed too often" in status.last_error


async def test_grandchildren_end_too() -> None:
    journal: list[str] = []
    async with running(parent(journal)) as system:
        middle = actor("m", lambda context: Parent(context, journal))
        await system.ref("p").call(Adopt(middle))
        await system.ref("p/m").call(Adopt(sample("x", journal)))
        await crash(system, "p")
        assert states(system) == {"p": "running"}
    assert journal[:6] == [
        "p started",
        "p/m started",
        "p/m/x started",
        "p/m stopped",
        "p/m/x stopped",
        "p started",
    ]


async def test_children_of_an_actor_that_stops_for_good_stop_with_it() -> None:
    journal: list[str] = []
    spec = ActorSpec("p", lambda context: Parent(context, journal), restart="temporary")
    async with running(spec, sample("b")) as system:
        await system.ref("p").call(Adopt(sample("x", journal)))
        await crash(system, "p")
        assert states(system) == {"p": "stopped", "b": "running"}
        assert journal == ["p started", "p/x started", "p/x stopped"]


class Watcher(Sample):
    async def started(self) -> None:
        self.context.monitor("a")

    async def receive(self, message: Message) -> object:
        match message:
            case Down():
                self.journal.append(f"{message.actor} {message.crashed} {message.reason}")
                return None
            case _:
                return await super().receive(message)


async def test_a_monitor_hears_of_each_death_and_why() -> None:
    journal: list[str] = []
    async with running(sample("a"), actor("w", lambda context: Watcher(context, journal))) as system:
        await crash(system, "a")
        system.request_restart("a")
        await wait_all_tasks_blocked()
    assert journal[:2] == ["a True RuntimeError: on request", "a False was told to stop"]


async def test_a_monitor_that_was_ended_hears_nothing() -> None:
    class Deaf(Watcher):
        async def started(self) -> None:
            await super().started()
            self.context.unmonitor("a")

    journal: list[str] = []
    async with running(sample("a"), actor("w", lambda context: Deaf(context, journal))) as system:
        await crash(system, "a")
    assert journal == ["w stopped"]
