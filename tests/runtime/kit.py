"""Small actors, ways to run a tree around a test, and what a test asks of it most."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

import trio
from trio.testing import wait_all_tasks_blocked

from runtime import (
    Actor,
    ActorCrashed,
    ActorSpec,
    AdjustableClock,
    Call,
    Cast,
    Context,
    GroupSpec,
    Intensity,
    Message,
    System,
)
from runtime.specs import Restart, Strategy

PATIENT = Intensity(1000, 1.0)
EPOCH = datetime(2030, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Echo(Call[int]):
    value: int


@dataclass(frozen=True, slots=True)
class Note(Cast):
    value: int


@dataclass(frozen=True, slots=True)
class Hint(Cast):
    coalesce: ClassVar[bool] = True
    value: int = 0


@dataclass(frozen=True, slots=True)
class Crash(Call[None]):
    text: str = "on request"


@dataclass(frozen=True, slots=True)
class CrashSoon(Cast):
    text: str = "on request"


@dataclass(frozen=True, slots=True)
class Wait(Call[None]):
    """Holds the actor until `gate` opens."""

    gate: trio.Event


class Sample(Actor):
    """Echoes, notes down what it was told, waits and crashes on request. `journal` outlives incarnations."""

    def __init__(self, context: Context, journal: list[str] | None = None) -> None:
        super().__init__(context)
        self.journal = journal if journal is not None else []

    async def started(self) -> None:
        self.journal.append(f"{self.context.name} started")

    async def receive(self, message: Message) -> object:
        match message:
            case Echo(value):
                return value
            case Note(value) | Hint(value):
                self.journal.append(f"{self.context.name} {value}")
            case Crash(text) | CrashSoon(text):
                raise RuntimeError(text)
            case Wait(gate):
                await gate.wait()
            case _:
                return await super().receive(message)
        return None

    async def stopping(self) -> None:
        self.journal.append(f"{self.context.name} stopped")


def sample(
    name: str, journal: list[str] | None = None, restart: Restart = "permanent", mailbox: int = 1024
) -> ActorSpec:
    return ActorSpec(name, lambda context: Sample(context, journal), restart=restart, mailbox=mailbox)


def actor(name: str, factory: Callable[[Context], Actor]) -> ActorSpec:
    return ActorSpec(name, factory)


def group(
    *children: ActorSpec | GroupSpec,
    strategy: Strategy = "one_for_one",
    name: str = "root",
    intensity: Intensity = PATIENT,
) -> GroupSpec:
    return GroupSpec(name, strategy, children, intensity)


@asynccontextmanager
async def running(
    *children: ActorSpec | GroupSpec, strategy: Strategy = "one_for_one"
) -> AsyncIterator[System]:
    """A started system, drained at the end of the block."""
    async with system_of(group(*children, strategy=strategy)) as system:
        yield system


@asynccontextmanager
async def system_of(root: GroupSpec) -> AsyncIterator[System]:
    system = System(root, clock=AdjustableClock(EPOCH), seed=1)
    async with trio.open_nursery() as nursery:
        await nursery.start(system.run)
        yield system
        system.request_stop()


def system_from(*children: ActorSpec, stop_timeout: float = 25.0) -> System:
    """A system that the test itself starts and stops."""
    return System(group(*children), clock=AdjustableClock(EPOCH), stop_timeout=stop_timeout)


async def crash(system: System, name: str) -> None:
    """Have the actor crash, and let everything that follows from it happen."""
    with suppress(ActorCrashed):
        await system.ref(name).call(Crash())
    await wait_all_tasks_blocked()


def incarnations(system: System) -> dict[str, int]:
    return {status.name: status.incarnations for status in system.status().actors()}


def states(system: System) -> dict[str, str]:
    return {status.name: status.state for status in system.status().actors()}
