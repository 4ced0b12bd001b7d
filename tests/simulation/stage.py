"""The whole shop of `supervisor.toml` on a real database, in a time of its own, among people who do as a test says.

What differs from a shop that somebody runs: the node is a dictionary, Telegram and Crypto Pay are their sandboxes, and
what is told of everything anyway looks again more seldom, as each look is work of the database's.
"""

import tomllib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import trio
from trio.testing import MockClock

import actors.db_writer
import actors.gateway
import actors.switches
import actors.vpn.node
import integrations.telegram.sandbox.subscriptions
from actors.dispatch import Dispatch
from actors.environment import Environment, Secrets
from actors.reading import Reading
from actors.sender import Sender
from actors.settings import Configuration, configuration_of
from actors.tree import _WORKERS, build_tree
from actors.vpn.node import VpnNode
from integrations.cryptopay.sandbox import SANDBOX_CRYPTOPAY_TOKEN, CryptoPaySandbox
from integrations.sandbox_store import Store
from integrations.telegram.sandbox import SANDBOX_TOKEN, TelegramSandbox
from integrations.xray.node import Node
from runtime import AdjustableClock, System, SystemClock
from storage.readers import open_readers
from storage.session import reader_conninfo
from tests.fixtures.postgres import Database
from tests.simulation.nodes import Shelf
from tests.simulation.telegram import Doors, Witness, lead_through
from tests.simulation.virtual_time import passing_while_idle
from tests.storage.shop import made_up_entropy

ROOT: Final = Path(__file__).parents[2]
NODE: Final = "one"
BOT: Final = "turnpike_sandbox_bot"

_TELEGRAM: Final = 1
_CRYPTOPAY: Final = 2
_GATEWAY: Final = 3
_BASE: Final = "http://127.0.0.1"
_HOUR: Final = 3600.0

#: Seconds between two looks of workers that others tell of what is new, and how late that may make a message.
SENDER_SECONDS: Final = 900.0
_SELDOM: Final = {Sender: SENDER_SECONDS, Dispatch: _HOUR, VpnNode: _HOUR}
_HOURLY: Final = "1h"
_PERIODS: Final = {
    "auto_renewal": "10m",
    "crypto_payment_watcher": "30m",
    "payment_sweep": "2h",
    "reminders": "15m",
    "trial_notifications": "15m",
    "xray_reconciler": "2h",
}
#: Who may not look in the same moment as those that remind people of what money is missing.
_FINDING_MONEY: Final = ("crypto_payment_watcher", "payment_sweep")


def settings_of_the_week() -> dict[str, Any]:
    """`supervisor.toml` as it is, with a plan of a week, rewards for inviting, and no looks without need."""
    document = tomllib.loads((ROOT / "supervisor.toml").read_text())
    week = {"title": {"en": "1 week", "ru": "1 неделя"}, "price": "59.00 RUB", "stars": 45}
    document["plans"].append({"id": "week", "duration": "7d", **week})
    document["referral"] = {"levels": [{"percent": 10}], "buyer": {"percent": 5}}
    document["telegram"]["api"] = f"{_BASE}:{_TELEGRAM}"
    document["cryptopay"] = {"api": f"{_BASE}:{_CRYPTOPAY}"}
    document["telegram"]["updates"] = "webhook"
    document["gateway"] |= {"port": _GATEWAY, "public_url": f"{_BASE}:{_GATEWAY}"}
    document["nodes"] = []
    for name in _WORKERS:
        document["actor"].setdefault(name, {})["period"] = _PERIODS.get(name, _HOURLY)
    for name in _FINDING_MONEY:
        document["actor"][name]["first_after"] = "7m"
    return document


class SetClock(SystemClock):
    """The clock of the shop's host, as the actors of a real shop have it; somebody may set it wrong."""

    def __init__(self, right: AdjustableClock) -> None:
        self._right = right
        self.wrong_by = timedelta(0)

    def now(self) -> datetime:
        return self._right.now() + self.wrong_by


@dataclass(frozen=True, slots=True)
class Stage:
    """Telegram and Crypto Pay with their people, the node, and the shop between them, which may be closed."""

    database: Database
    folder: Path
    clock: AdjustableClock
    host: SetClock
    document: Mapping[str, Any]
    configuration: Configuration
    witness: Witness
    shelf: Shelf
    telegram: httpx.AsyncClient
    cryptopay: httpx.AsyncClient

    @asynccontextmanager
    async def shop(self) -> AsyncIterator[System]:
        """The shop at work; stopped in order at the end of the block."""
        async with open_readers(reader_conninfo(self.database.reader)) as readers:
            environment = Environment(
                configuration=self.configuration,
                secrets=Secrets(SANDBOX_TOKEN, SANDBOX_CRYPTOPAY_TOKEN),
                writer_conninfo=self.database.writer,
                readers=Reading(readers),
                nodes=(Node(name=NODE, host="192.0.2.1", port=443, api_socket=self.folder / "one.sock"),),
                data_folder=self.folder,
                bot_username=BOT,
                entropy=made_up_entropy(10**6 * int(self.clock.now().timestamp())),
            )
            system = System(build_tree(environment), clock=self.host)
            async with trio.open_nursery() as nursery:
                await nursery.start(system.run)
                yield system
                system.request_stop()
                await system.stopped.wait()


@asynccontextmanager
async def open_stage(
    database: Database, folder: Path, mock_clock: MockClock, start: datetime
) -> AsyncIterator[Stage]:
    """Open everything but the shop; the time is `start`, and goes on by itself while nobody works."""
    clock, store, shelf = AdjustableClock(start), Store(None), Shelf()
    witness = Witness(clock.now)
    telegram = TelegramSandbox(store, clock.now, observer=witness, username=BOT)
    cryptopay = CryptoPaySandbox(store, clock.now, token=SANDBOX_CRYPTOPAY_TOKEN)
    with pytest.MonkeyPatch.context() as patch:
        doors = Doors({_TELEGRAM: telegram.app, _CRYPTOPAY: cryptopay.app})
        lead_through(patch, doors)
        patch.setattr(actors.gateway, "serve", doors.serve)
        patch.setattr(actors.vpn.node, "open_driver", shelf.opened)
        patch.setattr(actors.db_writer, "BEAT_SECONDS", _HOUR)
        patch.setattr(actors.switches, "_LOOK_SECONDS", _HOUR)
        patch.setattr(integrations.telegram.sandbox.subscriptions, "_TICK_SECONDS", _HOUR)
        for worker, period in _SELDOM.items():
            patch.setattr(worker, "period", period)
        async with (
            passing_while_idle(mock_clock),
            httpx.AsyncClient(base_url=f"{_BASE}:{_TELEGRAM}") as people,
            httpx.AsyncClient(base_url=f"{_BASE}:{_CRYPTOPAY}") as payers,
            trio.open_nursery() as nursery,
        ):
            clock.now()  # from here on it runs
            nursery.start_soon(telegram.run)
            document = settings_of_the_week()
            configuration = configuration_of(document, "supervisor.toml")
            yield Stage(
                database,
                folder,
                clock,
                SetClock(clock),
                document,
                configuration,
                witness,
                shelf,
                people,
                payers,
            )
            nursery.cancel_scope.cancel()
    store.close()
