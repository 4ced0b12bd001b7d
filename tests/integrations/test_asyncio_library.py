"""An asyncio-only SDK behind a provider's interface, over real HTTP: answers, deadlines, cancellation, and its end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial

import pytest
import trio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from domain.money import Money
from integrations.asyncio_library import open_asyncio
from integrations.cryptopay.client import open_cryptopay
from integrations.cryptopay.provider import CryptoPayProvider
from integrations.cryptopay.sandbox import SANDBOX_CRYPTOPAY_TOKEN, CryptoPaySandbox
from integrations.http_client import Http, open_http
from integrations.http_server import serve
from integrations.provider import Order, Refused, TryLater
from integrations.sandbox_store import Store
from runtime.resources import hold
from tests.fixtures.postgres import Database
from tests.integrations.aiosend_provider import AiosendProvider, open_aiosend
from tests.integrations.cryptopay.conftest import MovableClock
from tests.storage.shop import open_desk

#: aiosend makes a TLS context for every request, in a way that aiohttp is about to give up.
pytestmark = pytest.mark.filterwarnings("ignore:ssl_context is deprecated:DeprecationWarning")

_ORDER = Order(
    price=Money(19950, "RUB"),
    title="1 month",
    description="Test VPN: 1 month",
    payload="purchase:1:1001",
    payable_seconds=3600,
)


@pytest.fixture
async def address(nursery: trio.Nursery) -> str:
    sandbox = CryptoPaySandbox(Store(None), MovableClock(), token=SANDBOX_CRYPTOPAY_TOKEN)
    port = await nursery.start(partial(serve, sandbox.app, host="127.0.0.1", port=0, name="Crypto Pay"))
    return f"http://127.0.0.1:{port}"


@pytest.fixture
async def http(address: str) -> AsyncIterator[Http]:
    async with open_http(base_url=address) as http:
        yield http


async def buy(provider: AiosendProvider, http: Http) -> str:
    """An invoice by the SDK, paid by a person."""
    made = await provider.invoice(_ORDER)
    assert made is not None
    answer = await http.request("POST", "/sandbox/pay", json={"hash": made.url.rpartition("/")[2]})
    assert answer.is_success, answer.text
    return made.invoice_id


async def test_an_asyncio_sdk_gives_what_our_own_client_gives(address: str, http: Http) -> None:
    async with (
        open_aiosend(SANDBOX_CRYPTOPAY_TOKEN, address) as theirs,
        open_cryptopay(SANDBOX_CRYPTOPAY_TOKEN, api_base=address) as client,
    ):
        ours = CryptoPayProvider(client, SANDBOX_CRYPTOPAY_TOKEN)
        paid = await buy(theirs, http)
        waiting = await theirs.invoice(_ORDER)
        assert waiting is not None
        ids = [paid, waiting.invoice_id]
        assert sorted(await theirs.ask(ids), key=str) == sorted(await ours.ask(ids), key=str)
        assert (await theirs.sweep("", 100)).found == (await ours.sweep("", 100)).found
        assert {state.status for state in await theirs.ask(ids)} == {"paid", "open"}


async def test_any_task_of_trio_may_call_and_many_at_once(address: str, http: Http) -> None:
    """An actor's resource is held by one task and used by others, which know nothing of the loop."""
    told: list[int] = []

    async def sweep(provider: AiosendProvider) -> None:
        told.append(len((await provider.sweep("", 100)).found))

    async with trio.open_nursery() as shelf, AsyncExitStack() as stack:
        provider = await hold(open_aiosend(SANDBOX_CRYPTOPAY_TOKEN, address), shelf, stack)
        await buy(provider, http)
        async with trio.open_nursery() as callers:
            for _ in range(20):
                callers.start_soon(sweep, provider)
    assert told == [1] * 20


async def test_what_the_provider_refuses_and_what_may_pass_are_told_apart(address: str) -> None:
    async with open_aiosend(SANDBOX_CRYPTOPAY_TOKEN, address) as provider:
        with pytest.raises(Refused, match="EXPIRES_IN_INVALID"):
            await provider.invoice(replace(_ORDER, payable_seconds=0))
        with pytest.raises(Refused, match="by hand"):
            await provider.refund("1", 1001)


class Silent:
    """A Crypto Pay that knows the token, then never answers; it notes who comes and who leaves."""

    def __init__(self) -> None:
        self.asked = trio.Event()
        self.left = trio.Event()
        self.speaks = False

    async def answer(self, request: Request) -> Response:
        if request.path_params["method"] == "getMe" or self.speaks:
            name = (
                '"items": []'
                if self.speaks
                else '"app_id": 1, "name": "x", "payment_processing_bot_username": "y"'
            )
            return Response(f'{{"ok": true, "result": {{{name}}}}}', media_type="application/json")
        self.asked.set()
        while (await request.receive())["type"] != "http.disconnect":
            pass
        self.left.set()
        return Response("")


@pytest.fixture
async def silent(nursery: trio.Nursery) -> tuple[Silent, str]:
    silent = Silent()
    app = Starlette(routes=[Route("/api/{method}", silent.answer, methods=["GET", "POST"])])
    port = await nursery.start(partial(serve, app, host="127.0.0.1", port=0, name="a silent Crypto Pay"))
    return silent, f"http://127.0.0.1:{port}"


async def test_a_call_that_takes_too_long_ends_at_its_deadline_and_hangs_up(
    silent: tuple[Silent, str],
) -> None:
    server, address = silent
    async with open_aiosend(SANDBOX_CRYPTOPAY_TOKEN, address, seconds=0.1) as provider:
        with trio.fail_after(5):
            with pytest.raises(TryLater, match=r"within 0\.1 s"):
                await provider.sweep("", 100)
            await server.left.wait()


async def test_a_call_that_is_cancelled_ends_at_once_and_the_next_one_works(
    silent: tuple[Silent, str],
) -> None:
    server, address = silent
    async with open_aiosend(SANDBOX_CRYPTOPAY_TOKEN, address, seconds=60) as provider:
        with trio.fail_after(5):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(provider.sweep, "", 100)
                await server.asked.wait()
                nursery.cancel_scope.cancel()
            await server.left.wait()
        server.speaks = True
        assert (await provider.sweep("", 100)).found == ()


async def test_a_shop_that_stops_does_not_wait_for_a_call_in_flight(silent: tuple[Silent, str]) -> None:
    server, address = silent
    with trio.fail_after(5):
        async with trio.open_nursery() as shop:

            async def ask() -> None:
                async with open_aiosend(SANDBOX_CRYPTOPAY_TOKEN, address, seconds=60) as provider:
                    await provider.sweep("", 100)

            shop.start_soon(ask)
            await server.asked.wait()
            shop.cancel_scope.cancel()
        await server.left.wait()


async def test_a_failure_that_nobody_waits_for_is_not_lost() -> None:
    async def leave_a_task_behind() -> None:
        async def fail() -> None:
            raise RuntimeError("nobody waits for me")

        left_behind = asyncio.get_running_loop().create_task(fail())
        await asyncio.sleep(0)
        del left_behind

    with trio.fail_after(5), pytest.RaisesGroup(pytest.RaisesExc(RuntimeError), flatten_subgroups=True):
        async with open_asyncio() as library:
            await library.call(leave_a_task_behind, seconds=1)
            await trio.sleep_forever()


async def test_the_database_is_driven_by_trio_beside_it(address: str, http: Http, database: Database) -> None:
    async with open_aiosend(SANDBOX_CRYPTOPAY_TOKEN, address) as provider, open_desk(database.writer) as desk:
        await buy(provider, http)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(provider.sweep, "", 100)
            assert await desk.value("SELECT 1") == 1
        assert len((await provider.sweep("", 100)).found) == 1
