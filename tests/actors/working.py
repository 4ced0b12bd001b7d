"""A worker of the tree at work in a test, among real ones and stand-ins, and its ticks as they come and go."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import trio

from actors.environment import Environment
from actors.tree import _ACTORS, _WITH_SHOP
from runtime import (
    Actor,
    ActorSpec,
    ActorStatus,
    AdjustableClock,
    Context,
    GroupSpec,
    Iteration,
    System,
    Worker,
)
from tests.actors.counting import A_NODE, Nodes
from tests.actors.invoices import open_services
from tests.actors.scenes import SCENES, Rows, prepared
from tests.actors.systems import Mail, environment
from tests.fixtures.postgres import Database
from tests.storage.shop import NOW

PATIENCE_SECONDS: Final = 60.0
PERIOD: Final = 5.0
"""Seconds; the setting of every worker in these tests."""

Tick = Callable[[Worker], Any]


def class_of(name: str) -> type[Worker]:
    """The class of a worker by its name in the tree."""
    found = {**_ACTORS, **_WITH_SHOP}[name]
    assert isinstance(found, type)
    assert issubclass(found, Worker)
    return found


@dataclass(slots=True)
class Ticks:
    """The ticks of one worker, as they end; `instead` are what its next ones do in the place of its own."""

    own: Tick
    iterations: list[Iteration | None] = field(default_factory=list)
    begun: int = 0
    instead: list[Tick] = field(default_factory=list)
    _error: Exception | None = None
    _news: trio.Event = field(default_factory=trio.Event)

    async def tick(self, worker: Worker) -> Iteration | None:
        self.begun += 1
        self._tell()
        iteration: Iteration | None = await (self.instead.pop(0) if self.instead else self.own)(worker)
        self.iterations.append(iteration)
        self._tell()
        return iteration

    def more_than(self, number: int) -> bool:
        """True if that many had begun and another has."""
        return self.begun > number

    async def until(self, enough: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until this is so; it is looked at whenever a tick begins or ends."""
        with trio.fail_after(seconds):
            while not enough():
                await self._news.wait()
                if self._error is not None:
                    raise self._error

    def fail(self, error: Exception) -> None:
        """Have whoever waits hear of this."""
        self._error = error
        self._tell()

    def _tell(self) -> None:
        news, self._news = self._news, trio.Event()
        news.set()


@dataclass(frozen=True, slots=True)
class Stage:
    """A system in which a worker is at work."""

    system: System
    ticks: Ticks
    name: str

    @property
    def status(self) -> ActorStatus:
        """How the worker is."""
        return next(each for each in self.system.status().actors() if each.name == self.name)


def specs(
    name: str, surroundings: Environment, workers: frozenset[str], **settings: float
) -> list[ActorSpec]:
    """The writer and these workers as they are, and somebody who listens in the place of everybody else."""
    mail = Mail()
    everybody = {**_ACTORS, **_WITH_SHOP}
    real = {
        each: partial(everybody[each], environment=surroundings) for each in ("db_writer", *sorted(workers))
    }
    others: dict[str, Callable[[Context], Actor]] = (
        {"vpn": partial(Nodes, environment=surroundings)} if surroundings.nodes else {}
    )
    stand_ins = [ActorSpec(each, others.get(each, mail.stand_in)) for each in everybody if each not in real]
    return stand_ins + [
        ActorSpec(each, factory, settings={"period": PERIOD, **(settings if each == name else {})})
        for each, factory in real.items()
    ]


def shortly(actor: ActorSpec) -> ActorSpec:
    """The same actor with a limit for a message that is over before anybody else's."""
    return replace(actor, handle_timeout=PERIOD)


@asynccontextmanager
async def at_work(
    ticks: Ticks, surroundings: Environment, name: str, *others: str, **settings: float
) -> AsyncIterator[Stage]:
    """Have the worker at work in a system with the writer and these other workers; cancelled at the end."""
    actors = specs(name, surroundings, frozenset((name, *others)), **settings)
    if not others:  # those keep busy for longer
        actors = [shortly(actor) if actor.name == name else actor for actor in actors]
    system = System(GroupSpec("root", "one_for_one", actors), clock=AdjustableClock(NOW))
    async with trio.open_nursery() as nursery:
        await nursery.start(system.run)
        yield Stage(system, ticks, name)
        system.cancel()


@asynccontextmanager
async def due(
    name: str, count: int, database: Database, folder: Path
) -> AsyncIterator[tuple[Environment, Rows]]:
    """So many rows that are due for a worker, and the surroundings to handle them in."""
    nodes = [A_NODE] if SCENES[name].asks_nodes else []
    async with (
        open_services(folder) as url,
        environment(database, folder, cryptopay=url, nodes=nodes) as surroundings,
    ):
        yield surroundings, await prepared(name, database, count, url)
