"""A whole shop in one Trio run: every actor but the nodes', and sandboxes of both services on loopback."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Literal

import httpx
import psycopg
import trio

from actors.admin_chat import Admins
from actors.broadcast import Broadcast
from actors.crypto_payment_watcher import CryptoPaymentWatcher
from actors.db_writer import DbWriter
from actors.environment import Environment
from actors.gateway import Gateway
from actors.messages import LookAgain, Write
from actors.payment_sweep import PaymentSweep
from actors.refunds import Refunds
from actors.screens import Shop
from actors.sender import Sender
from actors.settings import Telegram
from actors.switches import Switches
from actors.telegram import Telegram as TelegramActor
from actors.words import languages
from domain.commands import Confirmation, ConfirmProvisions, Received, RecordUpdates
from integrations.cryptopay.sandbox import SANDBOX_CRYPTOPAY_TOKEN, CryptoPaySandbox
from integrations.http_server import serve
from integrations.sandbox_store import Store
from integrations.telegram.sandbox import TelegramSandbox
from integrations.telegram.sandbox.calls import Observer
from integrations.xray.node import Node
from runtime import Actor, Context, System
from tests.actors.systems import environment, running
from tests.e2e.sandbox import PATIENCE_SECONDS, Person, free_ports
from tests.fixtures.postgres import Database
from tests.storage.shop import CATALOGUE, NOW

#: Who may broadcast.
ADMIN = 1002


@dataclass(frozen=True, slots=True)
class Town:
    """The shop and its surroundings."""

    environment: Environment
    system: System
    telegram: httpx.AsyncClient
    cryptopay: httpx.AsyncClient
    gateway: httpx.AsyncClient

    def person(self, number: int = 1001) -> Person:
        """One of the people of the sandbox."""
        return Person(number, self.telegram)

    async def pay_crypto(self, url: str) -> None:
        """Pay the invoice behind an address."""
        await self.crypto("pay", url)

    async def crypto(self, what: str, url: str) -> None:
        """Pay, expire or redeliver the invoice behind an address."""
        answer = await self.cryptopay.post(f"/sandbox/{what}", json={"hash": url.rpartition("/")[2]})
        assert answer.is_success, answer.text

    async def tap(self, person: Person, message_id: int, data: str, *, update_id: int) -> None:
        """A tap on a button that the message need not have: it may be of another time, or made up."""
        sender = {"id": person.id, "is_bot": False, "first_name": "Alice"}
        shown = {"message_id": message_id, "date": 1, "chat": {"id": person.id, "type": "private"}}
        query = {"id": "1", "from": sender, "chat_instance": "1", "data": data, "message": shown}
        update = json.dumps({"update_id": update_id, "callback_query": query})
        recorded = RecordUpdates((Received(update_id, person.id, update),))
        assert await self.system.ref("db_writer").call(Write(recorded)) == 1
        self.system.ref("telegram").cast(LookAgain())

    async def introduced(self) -> dict[str, Any]:
        """What the bot has said of itself, once it has said it in every language."""
        with trio.fail_after(PATIENCE_SECONDS):
            while True:
                said: dict[str, Any] = (await self.telegram.get("/sandbox/state")).json()["bot"]["settings"]
                translations = said.get("translations", {})
                if all(translations.get(each, {}).get("description") for each in languages()):
                    return said

    def kill(self, actor: str) -> None:
        """Have an actor die where it stands; its supervisor starts it again."""
        self.system.killer(actor, RuntimeError("killed by a test"))()

    async def restart(self, actor: str) -> None:
        """Give an actor a new incarnation."""
        await self.system.restart(actor)

    async def settle(self, database: Database) -> None:
        """Wait until everything that was told to the shop is handled, and everything it has to say is said."""
        with trio.fail_after(PATIENCE_SECONDS), psycopg.connect(database.owner) as owner:
            while (await self.telegram.get("/sandbox/updates")).json()["waiting"] or owner.execute(
                "SELECT 1 FROM updates WHERE done_at IS NULL UNION ALL SELECT 1 FROM outbox WHERE state = 'pending'"
            ).fetchone():
                owner.rollback()
                await trio.sleep(0.05)

    async def connect(self, subscription_id: int = 1) -> None:
        """Say that a node has the user, as the `vpn` actor would."""
        confirmed = ConfirmProvisions("one", (Confirmation(subscription_id, 1, True),))
        await self.system.ref("db_writer").call(Write(confirmed))


@asynccontextmanager
async def open_town(
    database: Database,
    folder: Path,
    *,
    observer: Observer | None = None,
    webhook: bool = True,
    updates: Literal["polling", "webhook"] = "polling",
) -> AsyncIterator[Town]:
    """Open everything; without `webhook`, Crypto Pay tells nobody that it was paid."""
    port = free_ports()
    store = Store(folder / "sandbox.sqlite")
    time = _Time()
    telegram = TelegramSandbox(store, time.now, observer=observer, advance=time.advance)
    url = f"http://127.0.0.1:{port}/webhooks/cryptopay" if webhook else None
    cryptopay = CryptoPaySandbox(store, time.now, token=SANDBOX_CRYPTOPAY_TOKEN, webhook_url=url)
    async with trio.open_nursery() as nursery:
        ports = [
            await nursery.start(partial(serve, app, host="127.0.0.1", port=0, name="a sandbox"))
            for app in (telegram.app, cryptopay.app)
        ]
        nursery.start_soon(cryptopay.run)
        nursery.start_soon(telegram.run)
        bases = [f"http://127.0.0.1:{each}" for each in (*ports, port)]
        async with (
            _open_shop(database, folder, port, bases[0], bases[1], updates) as (surroundings, system),
            _clients(bases) as clients,
        ):
            yield Town(surroundings, system, *clients)
        nursery.cancel_scope.cancel()
    store.close()


class _Time:
    """The time of both sandboxes; it stands still until it is moved."""

    def __init__(self) -> None:
        self._now = NOW

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        self._now += by


@asynccontextmanager
async def _clients(bases: list[str]) -> AsyncIterator[list[httpx.AsyncClient]]:
    clients = [httpx.AsyncClient(base_url=base, trust_env=False) for base in bases]
    try:
        yield clients
    finally:
        for client in clients:
            await client.aclose()


@asynccontextmanager
async def _open_shop(
    database: Database,
    folder: Path,
    port: int,
    telegram: str,
    cryptopay: str,
    updates: Literal["polling", "webhook"],
) -> AsyncIterator[tuple[Environment, System]]:
    node = Node(name="one", host="192.0.2.1", port=443, api_socket=folder / "one.sock")
    async with environment(
        database,
        folder,
        telegram=Telegram(api=telegram, updates=updates),
        cryptopay=cryptopay,
        gateway=port,
        nodes=[node],
        admins=Admins([ADMIN]),
    ) as surroundings:
        zones = surroundings.configuration.settings.shop.time_zones
        shop = Shop(
            "Test VPN",
            "@help",
            CATALOGUE,
            [node],
            f"http://127.0.0.1:{port}",
            crypto=True,
            time_zones=zones,
            cards=True,
        )
        actors: dict[str, Callable[[Context], Actor]] = {
            "db_writer": partial(DbWriter, environment=surroundings),
            "sender": partial(Sender, environment=surroundings, shop=shop),
            "telegram": partial(TelegramActor, environment=surroundings, shop=shop),
            "gateway": partial(Gateway, environment=surroundings, shop=shop),
            "crypto_payment_watcher": partial(CryptoPaymentWatcher, environment=surroundings),
            "payment_sweep": partial(PaymentSweep, environment=surroundings),
            "broadcast": partial(Broadcast, environment=surroundings),
            "switches": partial(Switches, environment=surroundings),
            "refunds": partial(Refunds, environment=surroundings),
        }
        async with running(actors, ["vpn"]) as here:
            yield surroundings, here.system
