"""A Crypto Pay sandbox on loopback, the client that talks to it, and a clock that tests move."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
import trio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from integrations.cryptopay.client import CryptoPay, open_cryptopay
from integrations.cryptopay.sandbox import SANDBOX_CRYPTOPAY_TOKEN, CryptoPaySandbox
from integrations.http_client import Http, open_http
from integrations.http_server import serve
from integrations.sandbox_store import Store


class MovableClock:
    """The sandbox's time: stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Hook:
    """The shop's end of the webhook: answers with `statuses`, then 200, and keeps what came."""

    statuses: list[int] = field(default_factory=list)
    received: list[tuple[bytes, str]] = field(default_factory=list)
    arrived: trio.Event = field(default_factory=trio.Event)
    address: str = ""

    async def receive(self, request: Request) -> Response:
        signature = request.headers.get("crypto-pay-api-signature", "")
        self.received.append((await request.body(), signature))
        self.arrived.set()
        return PlainTextResponse("", self.statuses.pop(0) if self.statuses else 200)

    async def next(self) -> bytes:
        """Wait for the next delivery."""
        with trio.fail_after(5):
            await self.arrived.wait()
        self.arrived = trio.Event()
        return self.received[-1][0]


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def store() -> Store:
    return Store(None)


@pytest.fixture
async def hook(nursery: trio.Nursery) -> Hook:
    hook = Hook()
    app = Starlette(routes=[Route("/hook", hook.receive, methods=["POST"])])
    port = await nursery.start(partial(serve, app, host="127.0.0.1", port=0, name="the shop"))
    hook.address = f"http://127.0.0.1:{port}/hook"
    return hook


@pytest.fixture
async def address(nursery: trio.Nursery, store: Store, clock: MovableClock, hook: Hook) -> str:
    sandbox = CryptoPaySandbox(store, clock, token=SANDBOX_CRYPTOPAY_TOKEN, webhook_url=hook.address)
    nursery.start_soon(sandbox.run)
    port = await nursery.start(partial(serve, sandbox.app, host="127.0.0.1", port=0, name="Crypto Pay"))
    return f"http://127.0.0.1:{port}"


@pytest.fixture
async def pay(address: str) -> AsyncIterator[CryptoPay]:
    async with open_cryptopay(SANDBOX_CRYPTOPAY_TOKEN, api_base=address) as client:
        yield client


@pytest.fixture
async def http(address: str) -> AsyncIterator[Http]:
    async with open_http(base_url=address) as client:
        yield client
