"""Workers of the tree that only scan: what they read is heard, and whoever they ask for something has nothing to do.

So a pass over very many rows costs what reading them costs, changes nothing, and can be repeated.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, Final, LiteralString, TypeVar
from unittest import mock
from uuid import UUID

import trio

from actors.environment import Environment
from actors.messages import LookAgain, Write
from actors.outbox import OutboxReader
from actors.providers import PROVIDERS
from actors.reading import Reading
from actors.tree import _ACTORS, _WITH_SHOP, _WORKERS
from actors.vpn import node as vpn_node
from domain.commands import Endings, ExpireSubscriptions
from domain.entities import Priority, Provider
from domain.money import Money
from domain.names import name_on_node
from integrations.provider import Charge, PaymentProvider, Swept, TryLater
from integrations.xray.interface import Traffic, Usage
from integrations.xray.node import Node, NodeUser
from runtime import (
    Actor,
    ActorSpec,
    AdjustableClock,
    Context,
    GroupSpec,
    Iteration,
    Message,
    System,
    Tick,
    Worker,
)
from storage.readers import Parameters
from tests.actors.systems import environment
from tests.actors.working import Ticks, class_of
from tests.fixtures.postgres import Database
from tests.storage.population import NODE
from tests.storage.shop import NOW

Row = TypeVar("Row")

#: The workers of the tree; the reconciler has the `vpn` actor scan.
SCANNERS: Final = tuple(sorted(_WORKERS))

_PATIENCE_SECONDS: Final = 900.0


@dataclass(frozen=True, slots=True)
class Read:
    """A statement that an actor has read with, its parameters, what it found, and the seconds that it took."""

    reader: str
    sql: LiteralString
    parameters: Parameters
    rows: Sequence[object]
    seconds: float


Hear = Callable[[Read], None]


class HeardReading(Reading):
    """Readers whose every read is told."""

    def __init__(self, reading: Reading, hear: Hear) -> None:
        self._reading = reading
        self._hear = hear

    async def fetch(
        self, row_class: type[Row], sql: LiteralString, params: Parameters = (), *, reader: str
    ) -> list[Row]:
        began = perf_counter()
        rows = await self._reading.fetch(row_class, sql, params, reader=reader)
        self._hear(Read(reader, sql, params, rows, perf_counter() - began))
        return rows


class Agreeable(Actor):
    """Whoever is asked to do something, and says that nothing was to be done."""

    async def receive(self, message: Message) -> object:
        match message:
            case Write(ExpireSubscriptions()):
                return Endings(0, 0)
            case _:
                return 0


class NothingNew(PaymentProvider):
    """A provider that knows of no invoice, sends nothing back, and has so many payments, all of them known to us."""

    name = Provider.CRYPTOPAY

    def __init__(self, charges: int) -> None:
        self._charges = charges

    async def sweep(self, point: str, count: int) -> Swept:
        first = int(point or 0)
        last = min(first + count, self._charges)
        found = [
            Charge(
                charge_id=f"charge {4 * n}",
                amount=Money(50000, "RUB"),
                payload=None,
                payer=None,
                paid_at=None,
            )
            for n in range(first + 1, last + 1)
        ]
        return Swept(tuple(found), str(last), more=last < self._charges)

    async def refund(self, charge_id: str, payer: int) -> None:
        raise TryLater("not today")


class Obedient:
    """The driver of a node that has everybody who should be there, of so many people, and does as it is told."""

    def __init__(self, people: int) -> None:
        self._people = people

    async def epoch(self) -> str:
        return "the only one"

    async def users(self) -> dict[str, NodeUser]:
        names = {n: name_on_node(n, 0) for n in range(1, self._people + 1) if n % 8 not in (1, 2)}
        return {
            name: NodeUser(name, UUID(int=n << 96 | 0x4000 << 64 | 0x8000 << 48)) for n, name in names.items()
        }

    async def usage(self) -> Usage:
        return Usage("the only one", {name_on_node(n, 0): Traffic(n, n) for n in range(1, self._people + 1)})

    async def online(self) -> dict[str, frozenset[str]]:
        return {}

    async def ensure(self, user: NodeUser) -> None: ...

    async def absent(self, email: str) -> None: ...

    async def drop(self, email: str) -> bool:
        return True


async def scan(
    name: str, database: Database, folder: Path, hear: Hear, *, people: int, passes: int = 1
) -> list[Iteration | None]:
    """Have a worker pass over everything so many times, the only one at work, at `NOW`; its iterations.

    Outside, at the provider and on the node, is what `population` leaves there of so many people.
    """
    ticks = Ticks(class_of(name).tick)

    async def tick(worker: Worker) -> Iteration | None:
        try:
            return await ticks.tick(worker)
        except Exception as error:
            ticks.fail(error)
            raise

    node = Node(name=NODE, host="192.0.2.1", port=443, api_socket=folder / "no.sock")
    with (
        mock.patch.object(class_of(name), "tick", tick),
        mock.patch.dict(PROVIDERS, {Provider.CRYPTOPAY: lambda _: _open(NothingNew(people))}, clear=True),
        mock.patch.object(vpn_node, "agent_for", return_value=None),
        mock.patch.object(vpn_node, "open_driver", return_value=_open(Obedient(people))),
    ):
        async with environment(database, folder, nodes=[node]) as quiet, trio.open_nursery() as nursery:
            surroundings = replace(quiet, readers=HeardReading(quiet.readers, hear))
            system = System(_tree(name, surroundings), clock=AdjustableClock(NOW))
            await nursery.start(system.run)
            for number in range(1, passes + 1):
                if number > 1:
                    system.ref("vpn").cast(LookAgain())
                    system.ref(name).cast(Tick())
                await ticks.until(partial(_passed, ticks, number), _PATIENCE_SECONDS)
            system.request_stop()
            await system.stopped.wait()
    return ticks.iterations


async def scan_outbox(database: Database, folder: Path, hear: Hear) -> None:
    """Pass over everything that the sender scans for, as far as it would if it could send without end."""
    async with environment(database, folder) as quiet:
        outbox = OutboxReader(HeardReading(quiet.readers, hear), "sender")
        for priority in Priority:
            await _pages(partial(outbox.due, priority, NOW))
        await _pages(partial(outbox.expired, NOW))
        await _pages(outbox.marked)


async def _pages(page_after: Callable[[Any], Awaitable[Sequence[Any]]]) -> None:
    last = None
    while page := await page_after(last):
        last = page[-1]


def _passed(ticks: Ticks, number: int) -> bool:
    return sum(iteration is None or not iteration.more for iteration in ticks.iterations) >= number


def _tree(name: str, surroundings: Environment) -> GroupSpec:
    real = {name, "vpn"} if name in ("usage", "xray_reconciler") else {name}
    everybody = {**_ACTORS, **_WITH_SHOP}
    factories: dict[str, Callable[[Context], Actor]] = {
        each: partial(actor, environment=surroundings) if each in real else Agreeable
        for each, actor in everybody.items()
    }
    return GroupSpec("root", "one_for_one", [ActorSpec(each, factory) for each, factory in factories.items()])


@asynccontextmanager
async def _open(what: Row) -> AsyncIterator[Row]:
    yield what
