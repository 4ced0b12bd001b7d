"""A shop that broadcasts, in a test: writer, sender, the worker and the desk, with the sandbox of Telegram."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from actors.broadcast import Broadcast
from actors.db_writer import DbWriter
from actors.desk import Desk
from actors.screens import Shop
from actors.sender import Sender
from actors.settings import Telegram
from runtime import Actor, Context, System
from runtime.messages import Ask
from tests.actors.post import Outbox
from tests.actors.systems import environment, running
from tests.fixtures.postgres import Database
from tests.storage.shop import CATALOGUE


@dataclass(slots=True)
class Studio:
    """Orders to a running shop, and what its database says of its first broadcast."""

    system: System
    outbox: Outbox
    orders: int = 0

    async def order(self, command: str, **fields: Any) -> dict[str, Any]:
        """Have an order carried out by the desk."""
        self.orders += 1
        question = {
            "ask": "order",
            "command": command,
            "fields": {"by": "olga", "request": f"{command}-{self.orders}", **fields},
        }
        answer = await self.system.ref("desk").call(Ask(msgspec.json.encode(question).decode()))
        return msgspec.json.decode(answer, type=dict[str, Any])

    async def steer(self, what: str) -> None:
        """Start it, pause it and so on."""
        await self.order("SteerBroadcast", broadcast_id=1, what=what)

    async def until(self, condition: str, seconds: float = 60) -> None:
        """Wait until this is so of the broadcast's row."""
        await self.outbox.until(f"SELECT {condition} FROM broadcasts", seconds)

    def counts(self) -> tuple[Any, ...]:
        """Its state, and how many it reached, was blocked by, and did not reach otherwise."""
        [row] = self.outbox.rows("SELECT state, sent, blocked, failed, unknown, dropped FROM broadcasts")
        return row


@asynccontextmanager
async def open_studio(database: Database, folder: Path, address: str) -> AsyncIterator[Studio]:
    """Start everything; the Bot API is at an address."""
    async with environment(database, folder, telegram=Telegram(api=address)) as surroundings:
        shop = Shop("Test VPN", "@help", CATALOGUE, [], "http://127.0.0.1:1", crypto=True)
        actors: dict[str, Callable[[Context], Actor]] = {
            "db_writer": partial(DbWriter, environment=surroundings),
            "sender": partial(Sender, environment=surroundings, shop=shop),
            "broadcast": partial(Broadcast, environment=surroundings),
            "desk": partial(Desk, environment=surroundings),
        }
        async with running(actors, ["vpn"]) as here:
            yield Studio(here.system, Outbox(database))
