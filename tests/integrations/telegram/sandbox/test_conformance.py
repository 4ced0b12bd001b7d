"""What the sandbox says is what Telegram says: judged by Telegram's specification and by python-telegram-bot."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
import telegram

from integrations.sandbox_store import Store
from integrations.telegram.sandbox import SANDBOX_TOKEN
from integrations.telegram.sandbox.methods import METHODS
from tests.fixtures.botapi_spec import BotApiSpec
from tests.integrations.telegram.sandbox.conftest import Clock, Refused, Running, running
from tests.integrations.telegram.sandbox.paying import CARD_INVOICE, INVOICE, YES, pay
from tests.integrations.telegram.sandbox.test_messages import PNG

KEYBOARD = {
    "inline_keyboard": [
        [{"text": "Plans", "callback_data": "plans", "style": "primary"}],
        [{"text": "Site", "url": "https://example.com"}, {"text": "Copy", "copy_text": {"text": "x"}}],
    ]
}


async def exercise(sandbox: Running) -> None:
    """Use every method once, and let a person do everything that makes an update."""
    call = sandbox.call
    await call("getMe")
    await call("setMyCommands", commands=[{"command": "start", "description": "Plans"}])
    await call("getMyCommands")
    for what in ("Name", "Description", "ShortDescription"):
        field = {"Name": "name", "Description": "description", "ShortDescription": "short_description"}[what]
        await call(f"setMy{what}", **{field: "Turnpike"})
        await call(f"getMy{what}")
    await call("setChatMenuButton", menu_button={"type": "commands"})
    await sandbox.post("people/1001/messages", text="/start deep_link https://example.com")
    await sandbox.updates()
    await exercise_messages(sandbox)
    await exercise_payments(sandbox)
    await sandbox.post("people/1001/block")
    await sandbox.post("people/1001/unblock")
    await call("getUpdates", timeout=0, allowed_updates=["message", "my_chat_member"])
    await call("setWebhook", url="http://127.0.0.1:9/hook", secret_token="abc", max_connections=1)
    await call("getWebhookInfo")
    await call("deleteWebhook", drop_pending_updates=True)
    await call("deleteMyCommands")
    await call("close")
    await call("logOut")


async def exercise_messages(sandbox: Running) -> None:
    """Send, edit, delete, press."""
    call = sandbox.call
    text = (
        '<b>a</b> <a href="https://example.com">b</a> <pre><code class="language-py">c</code></pre> @mention'
    )
    sent = await call(
        "sendMessage",
        chat_id=1001,
        text=text,
        parse_mode="HTML",
        reply_markup=KEYBOARD,
        link_preview_options={"is_disabled": True},
        reply_parameters={"message_id": 1},
    )
    where = {"chat_id": 1001, "message_id": sent["message_id"]}
    await sandbox.post("people/1001/press", message_id=sent["message_id"], button=0, wait=0)
    query = (await sandbox.updates())[0]["callback_query"]
    await call("answerCallbackQuery", callback_query_id=query["id"], text="ok", show_alert=True, cache_time=0)
    await call("editMessageText", **where, text="<i>new</i>", parse_mode="HTML", reply_markup=KEYBOARD)
    await call("editMessageReplyMarkup", **where, reply_markup={"inline_keyboard": []})
    await call("deleteMessage", **where)
    await call("sendMessage", chat_id=1001, text="x", reply_markup={"keyboard": [[{"text": "Plans"}]]})
    photo = await sandbox.send_file("sendPhoto", "photo", "p.png", PNG, chat_id="1001", caption="c")
    await call("editMessageCaption", chat_id=1001, message_id=photo["message_id"], caption="d")
    await call("getFile", file_id=photo["photo"][0]["file_id"])
    await sandbox.send_file("sendDocument", "document", "d.txt", b"text", chat_id="1001")
    await call("sendChatAction", chat_id=1001, action="typing")
    await call("getChat", chat_id=1001)
    await call("getChatMember", chat_id=1001, user_id=1001)


async def exercise_payments(sandbox: Running) -> None:
    """Invoice, pre-checkout, payment, subscription and its renewal, a card, refund."""
    call = sandbox.call
    invoice = await call("sendInvoice", chat_id=1001, **INVOICE)
    charge = (await pay(sandbox, {"message_id": invoice["message_id"]}, YES))["charge_id"]
    link = await call("createInvoiceLink", **INVOICE, subscription_period=2592000)
    await sandbox.updates()
    subscribed = (await pay(sandbox, {"link": link}, YES, 1002))["charge_id"]
    await sandbox.post("advance", seconds=2592000)
    await sandbox.updates()
    stop = {"user_id": 1002, "telegram_payment_charge_id": subscribed, "is_canceled": True}
    await call("editUserStarSubscription", **stop)
    card = await call("sendInvoice", chat_id=1001, **CARD_INVOICE)
    await pay(sandbox, {"message_id": card["message_id"]}, YES)
    await sandbox.updates()
    await call("refundStarPayment", user_id=1001, telegram_payment_charge_id=charge)
    await sandbox.updates()
    await call("getStarTransactions", offset=0, limit=10)
    await call("getMyStarBalance")


async def test_every_method_and_update_is_as_specified(botapi_spec: BotApiSpec) -> None:
    async with running(Store(None), Clock(), botapi_spec) as sandbox:
        await exercise(sandbox)
        listed = (await sandbox.get("calls"))["calls"]
    assert botapi_spec.violations == []
    assert {method.lower() for method in botapi_spec.methods_seen} == METHODS.keys()
    assert botapi_spec.update_kinds_seen == {
        "message",
        "callback_query",
        "pre_checkout_query",
        "my_chat_member",
    }
    assert not any(call.get("violations") for call in listed)


async def test_a_deviation_is_found_and_stands_beside_its_call(botapi_spec: BotApiSpec) -> None:
    async with running(Store(None), Clock(), botapi_spec) as sandbox:
        await sandbox.call("getMe", txet="typo")
        with pytest.raises(Refused):
            await sandbox.call("sendMessage", chat_id=1001, disable_notification="perhaps")
        listed = (await sandbox.get("calls"))["calls"]
    assert [call["violations"] for call in listed] == [
        ["getMe: no parameter 'txet'"],
        [
            "sendMessage: parameter 'text' is missing",
            "sendMessage.disable_notification: 'perhaps' is not JSON",
        ],
    ]
    assert botapi_spec.violations == [finding for call in listed for finding in call["violations"]]


@pytest.mark.parametrize(
    ("type_name", "value", "finding"),
    [
        ("User", {"id": 1, "first_name": "A"}, "User: 'is_bot' of User is missing"),
        ("User", {"id": True, "is_bot": False, "first_name": "A"}, "User.id: True is not Integer"),
        ("User", {"id": 1, "is_bot": False, "first_name": "A", "x": 1}, "User: User has no field 'x'"),
        (
            "ChatMember",
            {"status": "gone", "user": {"id": 1, "is_bot": False, "first_name": "A"}},
            "ChatMember.status: 'gone' is not 'member'",
        ),
        ("PhotoSize", [], "PhotoSize: [] is not PhotoSize"),
    ],
)
def test_the_judge_sees_what_is_missing_unknown_or_of_another_type(
    botapi_spec: BotApiSpec, type_name: str, value: object, finding: str
) -> None:
    assert botapi_spec.check(type_name, value) == [finding]


class _SandboxRequest(telegram.request.BaseRequest):
    """python-telegram-bot's requests over plain httpx, which runs on Trio."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    @property
    def read_timeout(self) -> float:
        return 5.0

    async def initialize(self) -> None:
        pass

    async def shutdown(self) -> None:
        pass

    async def do_request(
        self, url: str, method: str, request_data: Any = None, *timeouts: Any, **more: Any
    ) -> tuple[int, bytes]:
        files = request_data.multipart_data if request_data else None
        data = request_data.json_parameters if request_data else None
        response = await self._client.request(method, url, data=data, files=files or None)
        return response.status_code, response.content


@pytest.fixture
async def bot(sandbox: Running) -> Any:
    """A real `telegram.Bot` that talks to the sandbox."""
    async with httpx.AsyncClient() as client:
        request = _SandboxRequest(client)
        yield telegram.Bot(
            SANDBOX_TOKEN,
            base_url=f"{sandbox.address}/bot",
            base_file_url=f"{sandbox.address}/file/bot",
            request=request,
            get_updates_request=request,
        )


async def test_python_telegram_bot_reads_messages_presses_and_photos(
    sandbox: Running, bot: telegram.Bot
) -> None:
    me = await bot.get_me()
    assert (me.is_bot, me.username) == (True, "turnpike_sandbox_bot")
    await sandbox.post("people/1001/messages", text="/start ref")
    update = (await bot.get_updates())[0]
    assert update.message is not None
    assert list(update.message.parse_entities(["bot_command"]).values()) == ["/start"]
    button = telegram.InlineKeyboardButton("Plans", callback_data="plans")
    sent = await bot.send_message(
        1001, "<b>😀</b>", parse_mode="HTML", reply_markup=telegram.InlineKeyboardMarkup([[button]])
    )
    assert sent.text_html == "<b>😀</b>"
    await sandbox.post("people/1001/press", message_id=sent.message_id, text="Plans", wait=0)
    query = (await bot.get_updates(offset=update.update_id + 1))[0].callback_query
    assert query is not None
    assert (query.data, await query.answer("ok")) == ("plans", True)
    photo = await bot.send_photo(1001, PNG, caption="scan")
    downloaded = await (await photo.photo[-1].get_file()).download_as_bytearray()
    assert bytes(downloaded) == PNG
    with pytest.raises(telegram.error.BadRequest, match="Message is not modified"):
        await bot.edit_message_text(
            "<b>😀</b>", 1001, sent.message_id, parse_mode="HTML", reply_markup=sent.reply_markup
        )
    await sandbox.post("people/1001/block")
    with pytest.raises(telegram.error.Forbidden, match="bot was blocked by the user"):
        await bot.send_message(1001, "x")
    change = (await bot.get_updates(offset=update.update_id + 2))[0].my_chat_member
    assert change is not None
    assert change.new_chat_member.status == "kicked"


async def test_python_telegram_bot_reads_a_payment_and_its_refund(
    sandbox: Running, bot: telegram.Bot
) -> None:
    await sandbox.start()
    prices = [telegram.LabeledPrice("1 month", 150)]
    sent = await bot.send_invoice(1001, "1 month", "30 days", "order:1", "XTR", prices, provider_token="")
    assert sent.invoice is not None
    outcome = await pay(sandbox, {"message_id": sent.message_id}, YES)
    message = (await bot.get_updates())[-1].message
    assert message is not None
    assert message.successful_payment is not None
    assert message.successful_payment.telegram_payment_charge_id == outcome["charge_id"]
    await bot.refund_star_payment(1001, outcome["charge_id"])
    transactions = (await bot.get_star_transactions()).transactions
    assert [bool(transaction.source) for transaction in transactions] == [True, False]
    assert (await bot.get_my_star_balance()).amount == 0


async def test_python_telegram_bot_is_told_to_wait(
    sandbox: Running, bot: telegram.Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "true")
    await sandbox.post("faults", method="getMe", kind="429", retry_after=7)
    with pytest.raises(telegram.error.RetryAfter) as told:
        await bot.get_me()
    assert told.value.retry_after == timedelta(seconds=7)


def test_the_default_token_has_a_real_tokens_form() -> None:
    number, _, secret = SANDBOX_TOKEN.partition(":")
    assert (number.isdecimal(), len(secret)) == (True, 35)
