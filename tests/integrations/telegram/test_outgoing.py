"""Delivering: what Telegram is asked, and what each of its refusals means to a sender."""

import json
from functools import partial

import pytest
import trio
from starlette.responses import JSONResponse, PlainTextResponse, Response

from domain.money import Money
from integrations.telegram.bot import TrioBot, open_bot
from integrations.telegram.outgoing import (
    AnswerPreCheckout,
    AnswerTap,
    Button,
    Delivered,
    EditText,
    Outcome,
    Permanent,
    SendInvoice,
    SendPhoto,
    SendText,
    Temporary,
    Unknown,
    deliver,
)
from tests.integrations.telegram.scripted import TOKEN, ScriptedBotApi, message, ok, refused

_HELLO = SendText(1001, "<b>hello</b>")


async def test_a_text_goes_out_as_html_with_its_buttons(api: ScriptedBotApi, bot: TrioBot) -> None:
    api.on("sendMessage", ok(message(5)))
    buttons = ((Button("Buy", data="buy:1"), Button("Site", url="https://example.org")),)
    assert await deliver(bot, SendText(1001, "<b>hello</b>", buttons)) == Delivered(5)
    (call,) = api.called("sendMessage")
    assert (call["chat_id"], call["text"], call["parse_mode"]) == ("1001", "<b>hello</b>", "HTML")
    assert json.loads(call["link_preview_options"]) == {"is_disabled": True}
    assert json.loads(call["reply_markup"]) == {
        "inline_keyboard": [
            [{"text": "Buy", "callback_data": "buy:1"}, {"text": "Site", "url": "https://example.org"}]
        ]
    }


async def test_an_edit_names_its_message(api: ScriptedBotApi, bot: TrioBot) -> None:
    api.on("editMessageText", ok(message(5)))
    assert await deliver(bot, EditText(1001, 5, "new")) == Delivered(5)
    (call,) = api.called("editMessageText")
    assert (call["message_id"], call["text"]) == ("5", "new")


async def test_an_invoice_in_stars_has_one_price_and_no_provider(api: ScriptedBotApi, bot: TrioBot) -> None:
    api.on("sendInvoice", ok(message(6)))
    invoice = SendInvoice(1001, "Plan", "30 days", "purchase:1", Money(150, "XTR"), "Plan")
    assert await deliver(bot, invoice) == Delivered(6)
    (call,) = api.called("sendInvoice")
    assert (call["currency"], call["payload"]) == ("XTR", "purchase:1")
    assert json.loads(call["prices"]) == [{"label": "Plan", "amount": 150}]
    assert not call.get("provider_token")


async def test_a_photo_is_uploaded(api: ScriptedBotApi, bot: TrioBot) -> None:
    api.on("sendPhoto", ok(message(7)))
    assert await deliver(bot, SendPhoto(1001, b"\x89PNG-bytes", "your <b>key</b>")) == Delivered(7)
    assert len(api.called("sendPhoto")) == 1


async def test_queries_are_answered(api: ScriptedBotApi, bot: TrioBot) -> None:
    api.on("answerCallbackQuery", ok(True))
    api.on("answerPreCheckoutQuery", ok(True))
    assert await deliver(bot, AnswerTap("9", "done")) == Delivered(None)
    assert await deliver(bot, AnswerPreCheckout("8")) == Delivered(None)
    assert await deliver(bot, AnswerPreCheckout("8", "sold out")) == Delivered(None)
    assert [(call["ok"], call.get("error_message")) for call in api.called("answerPreCheckoutQuery")] == [
        ("true", None),
        ("false", "sold out"),
    ]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (refused(403, "Forbidden: bot was blocked by the user"), Permanent("Forbidden", unreachable=True)),
        (refused(403, "Forbidden: user is deactivated"), Permanent("Forbidden", unreachable=True)),
        (refused(400, "Bad Request: chat not found"), Permanent("Chat not found", unreachable=True)),
        (refused(400, "Bad Request: can't parse entities"), Permanent("Can't parse", unreachable=False)),
        (refused(429, "Too Many Requests", retry_after=3), Temporary("3 s", 3.0)),
        (refused(429, "a proxy's own"), Temporary("1 s", 1.0)),
        (refused(500, "Internal Server Error"), Temporary("500")),
        (PlainTextResponse("<html>Bad Gateway</html>", 502), Unknown("502")),
        (refused(401, "Unauthorized"), Temporary("Unauthorized")),
        (PlainTextResponse("<html>hello</html>"), Unknown("no result")),
        (JSONResponse({"ok": True}), Unknown("no result")),
        (ok("what"), Delivered(None)),
        (ok({"message_id": 9, "date": "of another shape"}), Delivered(9)),
    ],
)
async def test_each_refusal_is_one_outcome(
    api: ScriptedBotApi, bot: TrioBot, answer: Response, outcome: Outcome
) -> None:
    api.on("sendMessage", answer)
    got = await deliver(bot, _HELLO)
    assert type(got) is type(outcome)
    match outcome, got:
        case Permanent(reason, unreachable), Permanent(said, got_unreachable):
            assert reason in said
            assert unreachable is got_unreachable
        case Temporary(reason, retry_after), Temporary(said, got_retry_after):
            assert reason in said
            assert retry_after == got_retry_after
        case Delivered(), Delivered():
            assert got == outcome
        case Unknown(reason), Unknown(said):
            assert reason in said


async def test_what_never_left_is_tried_again(api: ScriptedBotApi, bot: TrioBot) -> None:
    api.on("sendMessage", ok(message(5)))
    await deliver(bot, _HELLO)
    unsendable = SendText(1001, "text", (("not a button",),))  # type: ignore[arg-type] # a mistake of ours
    got = await deliver(bot, unsendable)
    assert isinstance(got, Temporary)
    assert "cannot be sent" in got.reason
    assert len(api.called("sendMessage")) == 1


async def test_an_edit_that_changes_nothing_has_succeeded(api: ScriptedBotApi, bot: TrioBot) -> None:
    api.on("editMessageText", refused(400, "Bad Request: message is not modified: specified new message…"))
    assert await deliver(bot, EditText(1001, 5, "same")) == Delivered(5)


async def test_a_refused_connection_is_temporary_and_a_lost_answer_is_unknown(nursery: trio.Nursery) -> None:
    """The first may be repeated blindly; the second may have been delivered."""

    async def introduce_and_hang_up(stream: trio.SocketStream) -> None:
        async with stream:
            request = await stream.receive_some()
            if b"/getMe" in request:
                body = b'{"ok":true,"result":{"id":7,"is_bot":true,"first_name":"x","username":"x"}}'
                head = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
                await stream.send_all(head + body)

    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    address = f"http://127.0.0.1:{listener.socket.getsockname()[1]}"
    async with trio.open_nursery() as server:
        server.start_soon(partial(trio.serve_listeners, introduce_and_hang_up, [listener]))
        async with open_bot(TOKEN, api_base=address) as bot:
            lost = await deliver(bot, _HELLO)
            server.cancel_scope.cancel()
            with trio.CancelScope(shield=True):
                refused_outcome = await deliver(bot, _HELLO)
    assert isinstance(lost, Unknown)
    assert isinstance(refused_outcome, Temporary)
    assert TOKEN not in lost.reason + refused_outcome.reason


async def test_a_cancelled_delivery_is_finished_first(api: ScriptedBotApi, bot: TrioBot) -> None:
    arrived, answer_now = trio.Event(), trio.Event()

    async def slowly(_: dict[str, str]) -> Response:
        arrived.set()
        await answer_now.wait()
        return ok(message(1))

    api.on("sendMessage", slowly)
    outcomes: list[Outcome] = []

    async def send() -> None:
        outcomes.append(await deliver(bot, _HELLO))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send)
        await arrived.wait()
        nursery.cancel_scope.cancel()
        answer_now.set()
    assert outcomes == [Delivered(1)]


async def test_a_delivery_that_has_not_begun_is_cancelled(api: ScriptedBotApi, bot: TrioBot) -> None:
    with trio.CancelScope() as scope:
        scope.cancel()
        await deliver(bot, _HELLO)
    assert api.called("sendMessage") == []
