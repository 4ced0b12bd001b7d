"""The webhook: in order, with the secret, again until the bot says 2xx; and what is wrong stands in the info."""

from collections.abc import Callable
from functools import partial

import pytest
import trio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from integrations.http_server import serve
from integrations.telegram.sandbox import webhook
from tests.integrations.telegram.sandbox.conftest import Refused, Running


class Receiver:
    """A bot's webhook that answers as it is told and remembers what came."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.received: list[tuple[str | None, int]] = []
        self.came = trio.Event()
        self.app = Starlette(routes=[Route("/hook", self._hook, methods=["POST"])])

    async def _hook(self, request: Request) -> Response:
        status = self.answers.pop(0) if self.answers else 200
        secret = request.headers.get("x-telegram-bot-api-secret-token")
        self.received.append((secret, (await request.json())["update_id"]))
        self.came.set()
        self.came = trio.Event()
        return Response(status_code=status)

    async def wait(self, done: Callable[[list[tuple[str | None, int]]], bool]) -> None:
        """Return when what came is enough."""
        with trio.fail_after(10):
            while not done(self.received):
                await self.came.wait()


@pytest.fixture
async def receiver(nursery: trio.Nursery) -> tuple[Receiver, str]:
    """A receiver and its address."""
    receiver = Receiver()
    port = await nursery.start(partial(serve, receiver.app, host="127.0.0.1", port=0, name="receiver"))
    return receiver, f"http://127.0.0.1:{port}/hook"


async def test_updates_arrive_in_order_with_the_secret_and_are_confirmed(
    sandbox: Running, receiver: tuple[Receiver, str]
) -> None:
    bot, address = receiver
    said = [(await sandbox.post("people/1001/messages", text=text))["update_id"] for text in "abc"]
    await sandbox.call("setWebhook", url=address, secret_token="s-1")
    await bot.wait(lambda received: len(received) == 3)
    assert bot.received == [("s-1", number) for number in said]
    await sandbox.call("deleteWebhook")
    assert await sandbox.call("getUpdates") == []


async def test_an_update_is_sent_again_until_the_bot_says_2xx(
    sandbox: Running, receiver: tuple[Receiver, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "FIRST_PAUSE_SECONDS", 0.01)
    bot, address = receiver
    bot.answers = [500]
    said = [(await sandbox.post("people/1001/messages", text=text))["update_id"] for text in "ab"]
    await sandbox.call("setWebhook", url=address)
    await bot.wait(lambda received: len(received) == 3)
    assert bot.received == [(None, said[0]), (None, said[0]), (None, said[1])]
    info = await sandbox.call("getWebhookInfo")
    assert (info["url"], info["last_error_message"]) == (
        address,
        "Wrong response from the webhook: 500 Internal Server Error",
    )


async def test_a_webhook_ends_the_poll_in_progress(sandbox: Running, receiver: tuple[Receiver, str]) -> None:
    _, address = receiver
    refusals: list[str] = []

    async def poll() -> None:
        with pytest.raises(Refused) as refused:
            await sandbox.call("getUpdates", timeout=9)
        refusals.append(str(refused.value))

    async with trio.open_nursery() as both:
        both.start_soon(poll)
        while not (await sandbox.get("state"))["bot"]["online"]:
            await trio.lowlevel.checkpoint()
        await sandbox.call("setWebhook", url=address)
    assert refusals == ["Conflict: terminated by setWebhook request"]


@pytest.mark.parametrize(
    ("params", "description"),
    [
        (
            {"url": "http://example.com/hook"},
            "Bad Request: bad webhook: An HTTPS URL must be provided for webhook",
        ),
        ({"url": "nonsense"}, "Bad Request: bad webhook: invalid URL specified"),
        (
            {"url": "http://127.0.0.1/", "secret_token": "a b"},
            "Bad Request: secret token contains unallowed characters",
        ),
    ],
)
async def test_a_wrong_webhook_is_refused(sandbox: Running, params: dict[str, str], description: str) -> None:
    with pytest.raises(Refused) as refused:
        await sandbox.call("setWebhook", **params)
    assert str(refused.value) == description


async def test_pending_updates_are_counted_and_dropped_on_request(sandbox: Running) -> None:
    await sandbox.post("people/1001/messages", text="a")
    assert (await sandbox.call("getWebhookInfo"))["pending_update_count"] == 1
    await sandbox.call("deleteWebhook", drop_pending_updates=True)
    assert (await sandbox.call("getWebhookInfo"))["pending_update_count"] == 0
