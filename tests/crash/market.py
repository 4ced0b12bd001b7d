"""A shop in a process that is killed and started again, and Telegram, Crypto Pay and the people, who all stay.

Whoever deals with the shop does what people do: they wait, and try again what failed. So a life in the market is the
same whether the shop is killed or not, and must come to the same.
"""

import os
import signal
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import msgspec
import trio
from starlette.types import ASGIApp, Receive, Scope, Send

from integrations.cryptopay.sandbox import SANDBOX_CRYPTOPAY_TOKEN, CryptoPaySandbox
from integrations.http_server import serve
from integrations.sandbox_store import Store
from integrations.telegram.sandbox import SANDBOX_TOKEN, TelegramSandbox
from runtime import SystemClock, control_client
from tests.crash.shop import Task
from tests.crash.zygote import Zygote
from tests.e2e.sandbox import PATIENCE_SECONDS, Person
from tests.fixtures.postgres import Database
from turnpike.control import control_socket

#: Seconds for one process of the shop; a whole life takes less than a tenth of it.
_LIFE_SECONDS = 300.0


@dataclass
class Market:
    """What stays, and the shop of the moment."""

    zygote: Zygote
    database: Database
    folder: Path
    port: int
    telegram: httpx.AsyncClient
    cryptopay: httpx.AsyncClient
    #: The steps at which the shop is to be killed, each once.
    fatal: set[str] = field(default_factory=set)
    #: The steps that were taken, and those at which it was killed.
    steps: list[str] = field(default_factory=list)
    killed_at: list[str] = field(default_factory=list)
    process: int = 0
    _struck: str = ""
    _closing: bool = False

    def person(self, number: int) -> Person:
        """Somebody who has a chat with the bot."""
        return Person(number, self.telegram)

    async def keep_a_shop(self) -> None:
        """Run a shop, and another one whenever it was killed, until it ends in order."""
        while True:
            task = Task(self.port, str(self.folder), self.database.owner, sorted(self.fatal))
            self.process, self._struck = 0, ""
            made, ended = await self.zygote.run(task, self._started, self.steps.append, seconds=_LIFE_SECONDS)
            if self._closing:
                return
            assert ended == -signal.SIGKILL, f"the shop ended with {ended}: {self.folder / 'turnpike.log'}"
            at = self._struck or made[-1]
            self.fatal.remove(at)
            self.killed_at.append(at)

    def _started(self, process: int) -> None:
        self.process = process
        if self._closing:
            os.kill(process, signal.SIGTERM)

    def called(self, step: str) -> None:
        """The shop has called somebody outside; that is a step of its work like any other."""
        self.steps.append(step)
        if step in self.fatal and self.process and not self._struck:
            with suppress(ProcessLookupError):  # it may have died of something else just now
                os.kill(self.process, signal.SIGKILL)
                self._struck = step

    def close(self) -> None:
        """Have the shop end in order, and no other begin."""
        self._closing = True
        if self.process:
            with suppress(ProcessLookupError):
                os.kill(self.process, signal.SIGTERM)

    async def ask_desk(self, **question: Any) -> Any:
        """What an operator is told; who is not answered asks again."""
        body = msgspec.json.encode(question).decode()
        with trio.fail_after(PATIENCE_SECONDS):
            while True:
                try:
                    return msgspec.json.decode(
                        await control_client.ask(control_socket(self.folder), "desk", body)
                    )
                except control_client.Refused:
                    await trio.sleep(0.1)


@dataclass(frozen=True)
class Watched:
    """Stands before a service, and says what the shop calls: when the call arrives, and when it was carried out."""

    app: ASGIApp
    called: Callable[[str], None]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = str(scope.get("path", ""))
        method = path.rpartition("/")[2]
        if not path.startswith(("/bot", "/api/")) or method == "getUpdates":
            await self.app(scope, receive, send)
            return
        self.called(f"{method} arrived")

        async def answer(message: Any) -> None:
            if message["type"] == "http.response.start":
                self.called(f"{method} carried out")
            await send(message)

        await self.app(scope, receive, answer)


@asynccontextmanager
async def open_market(
    zygote: Zygote, database: Database, folder: Path, port: int, fatal: Iterable[str] = ()
) -> AsyncIterator[Market]:
    """Open the market with a shop that will be killed at some steps; the shop has ended in order at the end."""
    now, store = SystemClock().now, Store(folder / "sandbox.sqlite")
    telegram = TelegramSandbox(store, now, token=SANDBOX_TOKEN)
    webhook = f"http://127.0.0.1:{port + 2}/webhooks/cryptopay"
    cryptopay = CryptoPaySandbox(store, now, token=SANDBOX_CRYPTOPAY_TOKEN, webhook_url=webhook)
    async with (
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port + 1}", trust_env=False) as crypto,
        trio.open_nursery() as services,
    ):
        market = Market(zygote, database, folder, port, http, crypto, set(fatal))
        for number, app in enumerate((telegram.app, cryptopay.app)):
            watched = Watched(app, market.called)
            await services.start(
                partial(serve, watched, host="127.0.0.1", port=port + number, name="a sandbox")
            )
        services.start_soon(telegram.run)
        services.start_soon(cryptopay.run)
        async with trio.open_nursery() as shops:
            shops.start_soon(market.keep_a_shop)
            yield market
            market.close()
        services.cancel_scope.cancel()
    store.close()
