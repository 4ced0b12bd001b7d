"""A running sandbox for the tests of this folder: a real server on loopback, a bot's hand and a person's hand."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest
import trio

from integrations.http_client import Http, open_http
from integrations.http_server import serve
from integrations.sandbox_store import Store
from integrations.telegram.sandbox import SANDBOX_TOKEN, Observer, TelegramSandbox


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


class Refused(Exception):
    """The sandbox said no; `str()` is the description."""

    def __init__(self, status: int, description: str, envelope: Mapping[str, object]) -> None:
        super().__init__(description)
        self.status = status
        self.envelope = envelope


class Running:
    """A sandbox that is being served: `call` is the bot's hand, `person` the other side's."""

    def __init__(self, http: Http, port: int, clock: Clock) -> None:
        self.http = http
        self.port = port
        self.clock = clock
        self.address = f"http://127.0.0.1:{port}"

    async def call(self, method: str, **params: object) -> Any:
        """Call a Bot API method with a JSON body; raises `Refused`."""
        response = await self.http.request("POST", f"/bot{SANDBOX_TOKEN}/{method}", json=params)
        envelope = response.json()
        assert envelope["ok"] is (response.status_code == 200)
        if not envelope["ok"]:
            assert envelope["error_code"] == response.status_code
            raise Refused(response.status_code, envelope["description"], envelope)
        return envelope["result"]

    async def send_file(self, method: str, field: str, name: str, data: bytes, **params: str) -> Any:
        """Call a Bot API method with an uploaded file."""
        response = await self.http.request(
            "POST", f"/bot{SANDBOX_TOKEN}/{method}", data=params, files={field: (name, data)}
        )
        envelope = response.json()
        if not envelope["ok"]:
            raise Refused(response.status_code, envelope["description"], envelope)
        return envelope["result"]

    async def get(self, path: str) -> Any:
        """Read something under `/sandbox`."""
        response = await self.http.request("GET", f"/sandbox/{path}")
        if response.status_code != 200:
            raise Refused(response.status_code, response.json()["error"], response.json())
        return response.json()

    async def post(self, path: str, **body: object) -> Any:
        """Do something under `/sandbox`."""
        response = await self.http.request("POST", f"/sandbox/{path}", json=body, timeout=30)
        if response.status_code != 200:
            raise Refused(response.status_code, response.json()["error"], response.json())
        return response.json()

    async def change(self, person: int, **fields: object) -> None:
        """Change something about a person: their Stars, their card."""
        async with httpx.AsyncClient(base_url=self.address, trust_env=False) as client:
            answer = await client.patch(f"/sandbox/people/{person}", json=fields)
        assert answer.is_success, answer.text

    async def start(self, person: int = 1001) -> None:
        """The person presses Start, and the bot has read it."""
        sent = await self.post(f"people/{person}/messages", text="/start")
        await self.call("getUpdates", offset=sent["update_id"] + 1)

    async def updates(self, timeout: int = 5) -> list[dict[str, Any]]:
        """Fetch what waits and confirm it."""
        found: list[dict[str, Any]] = await self.call("getUpdates", timeout=timeout)
        if found:
            await self.call("getUpdates", offset=found[-1]["update_id"] + 1)
        return found


async def run_sandbox(
    nursery: trio.Nursery, store: Store, clock: Clock, observer: Observer | None = None
) -> int:
    """Serve a sandbox in the nursery; returns its port."""
    sandbox = TelegramSandbox(store, clock, advance=clock.advance, observer=observer)
    nursery.start_soon(sandbox.run)
    server = partial(
        serve, sandbox.app, host="127.0.0.1", port=0, name="Telegram sandbox", body_limit=64 << 20
    )
    port: int = await nursery.start(server)
    return port


@pytest.fixture
def clock() -> Clock:
    """The clock of the sandbox."""
    return Clock()


@asynccontextmanager
async def running(store: Store, clock: Clock, observer: Observer | None = None) -> AsyncIterator[Running]:
    """A sandbox over the store, served until the end of the block; then the store is closed."""
    with closing(store):
        async with trio.open_nursery() as nursery:
            port = await run_sandbox(nursery, store, clock, observer)
            async with open_http(base_url=f"http://127.0.0.1:{port}") as http:
                yield Running(http, port, clock)
            nursery.cancel_scope.cancel()


@pytest.fixture
async def sandbox(clock: Clock) -> AsyncIterator[Running]:
    """A fresh sandbox."""
    async with running(Store(None), clock) as sandbox:
        yield sandbox
