"""The client and the sandbox together: each was written from Telegram's documentation without the other."""

import io
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
import segno
import trio
from starlette.applications import Starlette

from domain.money import Money
from integrations.http_client import Http, open_http
from integrations.http_server import serve
from integrations.sandbox_store import Store
from integrations.telegram.bot import TrioBot, open_bot
from integrations.telegram.outgoing import (
    AnswerPreCheckout,
    AnswerTap,
    Button,
    Delivered,
    EditText,
    Permanent,
    SendInvoice,
    SendPhoto,
    SendText,
    Temporary,
    Unknown,
    deliver,
)
from integrations.telegram.polling import poll
from integrations.telegram.raw_update import RawUpdate
from integrations.telegram.sandbox import SANDBOX_TOKEN, TelegramSandbox
from integrations.telegram.updates import (
    Blocked,
    Command,
    Inbound,
    Paid,
    PreCheckout,
    Refunded,
    Tap,
    Unblocked,
    read_update,
)
from integrations.telegram.webhook import set_webhook, webhook_route

_ANN = 1001


class Shop:
    """A bot that approves every charge, and the person's side of its chat."""

    def __init__(self, bot: TrioBot, person: Http) -> None:
        self.bot = bot
        self.person = person
        self._send, self._receive = trio.open_memory_channel[Inbound](100)

    async def accept(self, updates: Sequence[RawUpdate]) -> None:
        for update in updates:
            inbound = read_update(update)
            if isinstance(inbound, PreCheckout):
                await deliver(self.bot, AnswerPreCheckout(inbound.query_id))
            await self._send.send(inbound)

    async def next(self) -> Inbound:
        with trio.fail_after(5):
            return await self._receive.receive()

    async def does(self, action: str, **body: object) -> dict[str, Any]:
        """Let Ann do something; returns the sandbox's answer."""
        answer = await self.person.request("POST", f"/sandbox/people/{_ANN}/{action}", json=body)
        assert answer.is_success, answer.text
        result: dict[str, Any] = answer.json()
        return result

    async def fault(self, **fault: object) -> None:
        assert (await self.person.request("POST", "/sandbox/faults", json=fault)).is_success


@pytest.fixture
async def sandbox(nursery: trio.Nursery) -> str:
    sandbox = TelegramSandbox(Store(None), lambda: datetime.now(UTC), token=SANDBOX_TOKEN)
    nursery.start_soon(sandbox.run)
    port = await nursery.start(partial(serve, sandbox.app, host="127.0.0.1", port=0, name="Telegram"))
    return f"http://127.0.0.1:{port}"


@pytest.fixture
async def shop(nursery: trio.Nursery, sandbox: str) -> AsyncIterator[Shop]:
    async with open_bot(SANDBOX_TOKEN, api_base=sandbox) as bot, open_http(base_url=sandbox) as person:
        shop = Shop(bot, person)
        async with trio.open_nursery() as polling:
            polling.start_soon(partial(poll, bot, shop.accept, poll_seconds=1))
            await shop.does("messages", text="/start")
            assert isinstance(await shop.next(), Command)
            yield shop
            polling.cancel_scope.cancel()


async def test_a_talk_with_buttons_pictures_and_edits(shop: Shop) -> None:
    picture = io.BytesIO()
    segno.make("vless://example").save(picture, kind="png", scale=4)
    sent = await deliver(shop.bot, SendText(_ANN, "<b>Plans</b>", ((Button("One", data="plan:1"),),)))
    assert isinstance(sent, Delivered)
    assert sent.message_id is not None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(shop.does, "press", message_id=sent.message_id, button=0))
        tap = await shop.next()
        assert isinstance(tap, Tap)
        assert (tap.user.id, tap.data, tap.message_id) == (_ANN, "plan:1", sent.message_id)
        assert await deliver(shop.bot, AnswerTap(tap.query_id, "chosen")) == Delivered(None)
    edit = EditText(_ANN, sent.message_id, "<i>Chosen</i>")
    assert await deliver(shop.bot, edit) == sent
    assert await deliver(shop.bot, edit) == sent
    assert isinstance(
        await deliver(shop.bot, SendPhoto(_ANN, picture.getvalue(), "your <code>key</code>")), Delivered
    )


async def test_stars_are_paid_and_given_back(shop: Shop) -> None:
    invoice = SendInvoice(_ANN, "Plan", "30 days", "purchase:42", Money(150, "XTR"), "Plan")
    sent = await deliver(shop.bot, invoice)
    assert isinstance(sent, Delivered)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(shop.does, "pay", message_id=sent.message_id))
        asked = await shop.next()
        assert isinstance(asked, PreCheckout)
        assert (asked.currency, asked.total, asked.payload) == ("XTR", 150, "purchase:42")
        paid = await shop.next()
    assert isinstance(paid, Paid)
    assert (paid.user.id, paid.amount, paid.payload) == (_ANN, Money(150, "XTR"), "purchase:42")
    await shop.bot.refund_star_payment(_ANN, paid.charge_id)
    refunded = await shop.next()
    assert isinstance(refunded, Refunded)
    assert (refunded.charge_id, refunded.amount, refunded.user.id) == (paid.charge_id, paid.amount, _ANN)


async def test_who_blocks_the_bot_cannot_be_reached_until_they_come_back(shop: Shop) -> None:
    await shop.does("block")
    assert isinstance(await shop.next(), Blocked)
    outcome = await deliver(shop.bot, SendText(_ANN, "hello"))
    assert isinstance(outcome, Permanent)
    assert outcome.unreachable
    await shop.does("unblock")
    assert isinstance(await shop.next(), Unblocked)
    assert isinstance(await deliver(shop.bot, SendText(_ANN, "hello")), Delivered)


async def test_faults_are_told_apart(shop: Shop) -> None:
    hello = SendText(_ANN, "hello")
    await shop.fault(method="sendMessage", kind="429", retry_after=7)
    flood = await deliver(shop.bot, hello)
    assert isinstance(flood, Temporary)
    assert flood.retry_after == 7
    await shop.fault(method="sendMessage", kind="500")
    assert isinstance(await deliver(shop.bot, hello), Temporary)
    await shop.fault(method="sendMessage", kind="drop")
    assert isinstance(await deliver(shop.bot, hello), Unknown)
    broken = await deliver(shop.bot, SendText(_ANN, "<b>unclosed"))
    assert isinstance(broken, Permanent)
    assert not broken.unreachable


async def test_the_webhook_delivers_into_the_same_inbox(nursery: trio.Nursery, sandbox: str) -> None:
    secret = "a-secret_of-enough_length"
    async with open_bot(SANDBOX_TOKEN, api_base=sandbox) as bot, open_http(base_url=sandbox) as person:
        shop = Shop(bot, person)
        app = Starlette(routes=[webhook_route("/hook", secret=secret, accept=shop.accept)])
        port = await nursery.start(partial(serve, app, host="127.0.0.1", port=0, name="the shop"))
        await set_webhook(bot, f"http://127.0.0.1:{port}/hook", secret=secret)
        await shop.does("messages", text="/start ref_9")
        command = await shop.next()
    assert isinstance(command, Command)
    assert (command.name, command.argument, command.user.id) == ("start", "ref_9", _ANN)
