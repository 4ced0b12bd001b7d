"""The sender at work: the writer, a real database, and the Telegram sandbox over HTTP; messages are put in by SQL."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg
import trio
from starlette.types import ASGIApp

from actors.db_writer import DbWriter
from actors.screens import Shop
from actors.sender import Sender
from actors.settings import Telegram
from domain import messages
from domain.delivery import DELIVERY
from integrations.http_server import serve
from integrations.sandbox_store import Store
from integrations.telegram.sandbox import TelegramSandbox
from runtime import Actor, Context
from tests.actors.systems import Running, environment, running
from tests.fixtures.postgres import Database
from tests.storage.shop import CATALOGUE, NOW

_INSERT: Final = """
    INSERT INTO outbox (id, chat_id, key, kind, body, created_at, not_before, state, attempts, priority, expires_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_MEET: Final = """
    INSERT INTO users (id, first_name, created_at, number)
    SELECT id, 'Somebody', %s, row_number() OVER () FROM unnest(%s::bigint[]) AS id ON CONFLICT DO NOTHING
"""


@dataclass(slots=True)
class Outbox:
    """The outbox of a test's database, as its owner writes and reads it."""

    database: Database
    numbers: "count[int]" = field(default_factory=lambda: count(1_000_000))

    def write(
        self,
        chat: int,
        message: messages.Message,
        *,
        state: str = "pending",
        not_before: datetime = NOW,
        expires_at: datetime | None = None,
    ) -> int:
        """Put a message in, as a command of the writer would, and give its number."""
        kind, number = str(message.__struct_config__.tag), next(self.numbers)
        delivery = DELIVERY[kind]
        if expires_at is None and delivery.lasts is not None:
            expires_at = not_before + delivery.lasts
        values = (number, chat, f"test:{number}", kind, messages.encode(message), NOW, not_before)
        with self._owner() as owner:
            owner.execute(
                _INSERT, (*values, state, int(state == "sending"), delivery.priority.value, expires_at)
            )
        return number

    def meet(self, *people: int) -> None:
        """Remember people, as the writer does when they write."""
        with self._owner() as owner:
            owner.execute(_MEET, (NOW, list(people)))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the owner reads."""
        with self._owner() as owner:
            return owner.execute(query.encode()).fetchall()

    def execute(self, statement: str) -> None:
        """What the owner writes."""
        with self._owner() as owner:
            owner.execute(statement.encode())

    def everything_else(self) -> dict[str, list[tuple[Any, ...]]]:
        """All that the database holds besides messages and people's names."""
        tables = self.rows("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'")
        names = {name for (name,) in tables} - {"outbox", "users"}
        return {name: self.rows(f"SELECT * FROM {name} ORDER BY 1") for name in sorted(names)}

    def state(self, number: int) -> str:
        """Where a message is."""
        [(state,)] = self.rows(f"SELECT state FROM outbox WHERE id = {number}")
        return str(state)

    async def until_settled(self, *numbers: int, seconds: float = 30) -> None:
        """Wait until none of these is pending."""
        await self.until(
            f"SELECT NOT EXISTS (SELECT FROM outbox WHERE id = ANY ('{set(numbers)}')"
            " AND state IN ('pending', 'sending'))",
            seconds,
        )

    async def until(self, question: str, seconds: float = 30) -> None:
        """Wait until the database answers with yes."""
        with trio.fail_after(seconds), self._owner() as owner:
            while owner.execute(question.encode()).fetchone() != (True,):
                await trio.sleep(0.02)

    def _owner(self) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(self.database.owner, autocommit=True)


@dataclass(frozen=True, slots=True)
class TelegramSide:
    """The sandbox, as a test looks at it."""

    http: httpx.AsyncClient
    address: str

    async def fault(
        self, kind: str, number: int = 1, *, method: str = "sendMessage", retry_after: int = 1
    ) -> None:
        """Let the next calls go wrong."""
        body = {"method": method, "kind": kind, "count": number, "retry_after": retry_after}
        answer = await self.http.post("/sandbox/faults", json=body)
        assert answer.is_success, answer.text

    async def block(self, person: int, blocked: bool = True) -> None:
        """A person blocks the bot, or lets it in again."""
        answer = await self.http.post(
            f"/sandbox/people/{person}/{'block' if blocked else 'unblock'}", json={}
        )
        assert answer.is_success, answer.text

    async def calls(self) -> list[dict[str, Any]]:
        """Every call so far that was to send something."""
        calls: list[dict[str, Any]] = (await self.http.get("/sandbox/calls")).json()["calls"]
        return [call for call in calls if call["method"].lower().startswith(("send", "edit"))]

    async def chat(self, person: int) -> list[str]:
        """What the bot said to a person, in order."""
        answer = await self.http.get(f"/sandbox/people/{person}/messages", params={"after": 0})
        shown = answer.json()["messages"]
        return [
            str(each.get("text") or each.get("caption"))
            for each in shown
            if each["from"] == "bot" and not each.get("deleted")
        ]


@asynccontextmanager
async def open_telegram(
    folder: Path, *people: int, before: Callable[[ASGIApp], ASGIApp] = lambda app: app
) -> AsyncIterator[TelegramSide]:
    """A sandbox in which these people have started a chat with the bot; `before` may stand in front of it."""
    store = Store(folder / "sandbox.sqlite")
    sandbox = TelegramSandbox(store, lambda: NOW)
    async with trio.open_nursery() as nursery:
        port = await nursery.start(
            partial(serve, before(sandbox.app), host="127.0.0.1", port=0, name="the sandbox")
        )
        address = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=address, trust_env=False) as http:
            for person in people:
                await http.post("/sandbox/people", json={"id": person, "first_name": "Somebody"})
                started = await http.post(f"/sandbox/people/{person}/messages", json={"text": "/start"})
                assert started.is_success, started.text
            yield TelegramSide(http, address)
        nursery.cancel_scope.cancel()
    store.close()


@asynccontextmanager
async def open_sender(
    database: Database, folder: Path, address: str, *, start: datetime = NOW
) -> AsyncIterator[Running]:
    """The writer and the sender, which talks to the Bot API at an address."""
    async with environment(database, folder, telegram=Telegram(api=address)) as surroundings:
        shop = Shop("Test VPN", "@help", CATALOGUE, [], "http://127.0.0.1:1", crypto=True)
        actors: dict[str, Callable[[Context], Actor]] = {
            "db_writer": partial(DbWriter, environment=surroundings),
            "sender": partial(Sender, environment=surroundings, shop=shop),
        }
        async with running(actors, ["vpn"], start=start) as system:
            yield system
