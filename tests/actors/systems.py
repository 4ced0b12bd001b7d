"""Starting a few actors for a test, with everything else that they talk to standing in."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import trio

from actors.admin_chat import Admins
from actors.environment import Environment, Secrets
from actors.offers import PlanEntry
from actors.reading import Reading
from actors.settings import (
    Cards,
    Configuration,
    CryptoPay,
    Gateway,
    Metrics,
    Settings,
    Shop,
    Telegram,
)
from domain.catalogue import Catalogue
from integrations.cryptopay.sandbox import SANDBOX_CRYPTOPAY_TOKEN
from integrations.telegram.sandbox import SANDBOX_PROVIDER_TOKEN, SANDBOX_TOKEN
from integrations.xray.node import Node
from runtime import Actor, ActorSpec, AdjustableClock, Context, GroupSpec, Message, System
from storage.readers import Readers, open_readers
from storage.session import reader_conninfo
from tests.fixtures.postgres import Database
from tests.storage.shop import CATALOGUE, NOW, made_up_entropy

TOKEN = "7000000001:SANDBOX-turnpike-local-bot-0001"


NO_ADMINS = Admins()
_NO_TELEGRAM = Telegram(api="http://127.0.0.1:9")


@dataclass(slots=True)
class Mail:
    """What stand-in actors were told."""

    received: list[tuple[str, Message]] = field(default_factory=list)

    def stand_in(self, context: Context) -> Actor:
        """An actor that keeps what it is told and does nothing."""
        return _StandIn(context, self)


class _StandIn(Actor):
    def __init__(self, context: Context, mail: Mail) -> None:
        super().__init__(context)
        self._mail = mail

    async def receive(self, message: Message) -> object:
        self._mail.received.append((self.context.name, message))
        return None


@dataclass(frozen=True, slots=True)
class Running:
    """A running system of a test."""

    system: System
    clock: AdjustableClock
    mail: Mail


@asynccontextmanager
async def running(
    actors: Mapping[str, Callable[[Context], Actor]],
    stand_ins: Sequence[str] = (),
    *,
    mailbox: int = 1024,
    start: datetime = NOW,
    clock: AdjustableClock | None = None,
) -> AsyncIterator[Running]:
    """Start the actors in order, stand-ins first; stop them in order at the end.

    A `mailbox` holds so many; the clock begins at `start`, unless it is given.
    """
    mail, clock = Mail(), clock or AdjustableClock(start)
    specs = [ActorSpec(name, mail.stand_in) for name in stand_ins]
    specs += [ActorSpec(name, factory, mailbox=mailbox) for name, factory in actors.items()]
    system = System(GroupSpec("root", "one_for_one", specs), clock=clock)
    async with trio.open_nursery() as nursery:
        await nursery.start(system.run)
        yield Running(system, clock, mail)
        system.request_stop()
        with trio.fail_after(20):
            await system.stopped.wait()


@asynccontextmanager
async def environment(
    database: Database,
    folder: Path,
    *,
    telegram: Telegram = _NO_TELEGRAM,
    cryptopay: str = "http://127.0.0.1:9",
    gateway: int = 0,
    nodes: Sequence[Node] = (),
    catalogue: Catalogue = CATALOGUE,
    admins: Admins = NO_ADMINS,
) -> AsyncIterator[Environment]:
    """The surroundings of actors on a test's database; addresses that are not given refuse connections."""
    settings = Settings(
        shop=Shop(name="Test VPN", currency="RUB"),
        plans=[PlanEntry("month", "1 month", "30d", "199.00 RUB", 150)],
        telegram=telegram,
        admins=admins,
        cryptopay=CryptoPay(api=cryptopay),
        cards=Cards(),
        gateway=Gateway(port=gateway, public_url=f"http://127.0.0.1:{gateway}"),
        metrics=Metrics(port=0),
    )
    async with open_readers(reader_conninfo(database.reader)) as readers:
        yield _environment(settings, catalogue, database, readers, folder, tuple(nodes))


def _environment(
    settings: Settings,
    catalogue: Catalogue,
    database: Database,
    readers: Readers,
    folder: Path,
    nodes: tuple[Node, ...],
) -> Environment:
    return Environment(
        configuration=Configuration("test.toml", settings, catalogue, {}),
        secrets=Secrets(SANDBOX_TOKEN, SANDBOX_CRYPTOPAY_TOKEN, SANDBOX_PROVIDER_TOKEN),
        writer_conninfo=database.writer,
        readers=Reading(readers),
        nodes=nodes,
        data_folder=folder,
        bot_username="test_bot",
        entropy=made_up_entropy(),
    )
