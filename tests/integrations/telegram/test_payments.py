"""Money through the bot against the sandbox: links, monthly charges, cards, refunds, and the list of it all."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import structlog
import trio

from domain.money import Money
from integrations.http_client import Http, open_http
from integrations.http_server import serve
from integrations.provider import Charge, Order, Refund, Refused, TryLater
from integrations.sandbox_store import Store
from integrations.telegram.bot import TrioBot, open_bot
from integrations.telegram.outgoing import AnswerPreCheckout, Delivered, Permanent, SendInvoice, deliver
from integrations.telegram.payments import (
    MONTH_SECONDS,
    create_invoice_link,
    refund_stars,
    star_transactions,
    stop_subscription,
)
from integrations.telegram.raw_update import from_json
from integrations.telegram.sandbox import SANDBOX_TOKEN, TelegramSandbox
from integrations.telegram.sandbox.cards import SANDBOX_PROVIDER_TOKEN
from integrations.telegram.stars import Stars
from integrations.telegram.updates import Inbound, Paid, PreCheckout, Refunded, read_update
from tests.integrations.telegram.scripted import ScriptedBotApi, ok, refused

_ANN = 1001
_STARS, _ROUBLES = Money(150, "XTR"), Money(19900, "RUB")
_PLAN = Order(
    price=_STARS, title="1 month", description="30 days", payload="purchase:1:1001", payable_seconds=3600
)
_MONTHLY = replace(_PLAN, monthly=True)


class Desk:
    """A bot that approves every charge, the hand of a person, and time that the test moves."""

    def __init__(self, bot: TrioBot, http: Http) -> None:
        self.bot = bot
        self._http = http
        self._offset = 0
        self._unread: list[Inbound] = []

    async def do(self, what: str, **body: object) -> dict[str, Any]:
        """Something under `/sandbox`."""
        answer = await self._http.request("POST", f"/sandbox/{what}", json=body, timeout=20)
        assert answer.is_success, answer.text
        result: dict[str, Any] = answer.json()
        return result

    async def pay(self, **invoice: object) -> Paid:
        """Ann pays; what the bot is told of it."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(self.do, f"people/{_ANN}/pay", **invoice))
            asked = await self.next()
            assert isinstance(asked, PreCheckout)
            await deliver(self.bot, AnswerPreCheckout(asked.query_id))
        paid = await self.next()
        assert isinstance(paid, Paid)
        return paid

    async def next(self) -> Inbound:
        """The next thing that the bot is told."""
        while not self._unread:
            batch = await self.bot.raw_updates(self._offset, 10, [])
            assert isinstance(batch, list)
            updates = [from_json(each) for each in batch]
            self._offset = max([self._offset, *(update.update_id + 1 for update in updates)])
            self._unread += [read_update(update) for update in updates]
        return self._unread.pop(0)


@pytest.fixture
async def desk(nursery: trio.Nursery) -> AsyncIterator[Desk]:
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)

    def advance(by: timedelta) -> None:
        nonlocal now
        now += by

    sandbox = TelegramSandbox(Store(None), lambda: now, advance=advance)
    port = await nursery.start(partial(serve, sandbox.app, host="127.0.0.1", port=0, name="Telegram"))
    base = f"http://127.0.0.1:{port}"
    async with (
        open_bot(SANDBOX_TOKEN, api_base=base, provider_token=SANDBOX_PROVIDER_TOKEN) as bot,
        open_http(base_url=base) as http,
    ):
        desk = Desk(bot, http)
        await desk.do(f"people/{_ANN}/messages", text="/start")
        await desk.next()
        yield desk


async def test_a_monthly_link_is_charged_again_until_the_bot_stops_it(desk: Desk) -> None:
    link = await create_invoice_link(desk.bot, _MONTHLY)
    first = await desk.pay(link=link)
    await desk.do("advance", seconds=MONTH_SECONDS)
    second = await desk.next()
    assert isinstance(second, Paid)
    assert (first.is_recurring, first.is_first_recurring) == (True, True)
    assert (second.is_recurring, second.is_first_recurring) == (True, False)
    assert (second.amount, second.payload, second.user.id) == (_STARS, _PLAN.payload, _ANN)
    assert first.charge_id != second.charge_id
    assert first.expires_at is not None
    assert second.expires_at == first.expires_at + timedelta(seconds=MONTH_SECONDS)
    assert second.paid_at == first.expires_at
    await stop_subscription(desk.bot, _ANN, second.charge_id)
    await desk.do("advance", seconds=MONTH_SECONDS)
    assert (await star_transactions(desk.bot, 0, 100)).count == 2


async def test_a_card_pays_an_invoice_in_the_shops_currency(desk: Desk) -> None:
    sent = await deliver(
        desk.bot, SendInvoice(_ANN, "1 month", "30 days", "purchase:2:1001", _ROUBLES, "1 month")
    )
    assert isinstance(sent, Delivered)
    paid = await desk.pay(message_id=sent.message_id)
    link = await create_invoice_link(desk.bot, replace(_PLAN, price=_ROUBLES))
    by_link = await desk.pay(link=link)
    assert [each.amount for each in (paid, by_link)] == [_ROUBLES, _ROUBLES]
    assert paid.provider_charge_id
    assert not paid.is_recurring
    assert (await star_transactions(desk.bot, 0, 100)).count == 0


async def test_a_shop_without_a_provider_token_cannot_ask_for_a_card(desk: Desk) -> None:
    async with open_bot(SANDBOX_TOKEN, api_base=desk.bot.base_url.rpartition("/bot")[0]) as bot:
        outcome = await deliver(bot, SendInvoice(_ANN, "1 month", "30 days", "p", _ROUBLES, "1 month"))
        assert isinstance(outcome, Permanent)
        with pytest.raises(Refused, match=r"(?i)payment_provider_invalid"):
            await create_invoice_link(bot, replace(_PLAN, price=_ROUBLES))


async def test_stars_go_back_once_however_often_it_is_asked(desk: Desk) -> None:
    paid = await desk.pay(link=await create_invoice_link(desk.bot, _PLAN))
    for _ in range(2):
        await refund_stars(desk.bot, _ANN, paid.charge_id)
    told = await desk.next()
    assert isinstance(told, Refunded)
    assert (told.charge_id, told.amount, told.user.id) == (paid.charge_id, _STARS, _ANN)
    [payment, refund] = (await star_transactions(desk.bot, 0, 100)).transactions
    assert (payment.charge_id, payment.incoming) == (paid.charge_id, True)
    assert (refund.charge_id, refund.incoming, refund.amount) == (paid.charge_id, False, _STARS)


async def test_what_telegram_will_never_give_back_is_told_from_what_may_pass(desk: Desk) -> None:
    paid = await desk.pay(link=await create_invoice_link(desk.bot, _PLAN))
    with pytest.raises(Refused, match=r"(?i)charge_id_invalid"):
        await refund_stars(desk.bot, _ANN, "stxUNKNOWN")
    with pytest.raises(Refused):
        await refund_stars(desk.bot, 1002, paid.charge_id)
    await desk.do("faults", method="refundStarPayment", kind="429", retry_after=7)
    with pytest.raises(TryLater) as flood:
        await refund_stars(desk.bot, _ANN, paid.charge_id)
    assert flood.value.after == 7
    await desk.do("faults", method="refundStarPayment", kind="500")
    with pytest.raises(TryLater):
        await refund_stars(desk.bot, _ANN, paid.charge_id)
    await desk.do("faults", method="refundStarPayment", kind="drop")
    with pytest.raises(TryLater):
        await refund_stars(desk.bot, _ANN, paid.charge_id)
    await refund_stars(desk.bot, _ANN, paid.charge_id)  # the one that broke off was done
    assert (await star_transactions(desk.bot, 0, 100)).count == 2


async def test_a_bot_that_lacks_the_stars_tries_later(bot: TrioBot, api: ScriptedBotApi) -> None:
    api.on("refundStarPayment", refused(400, "Bad Request: BALANCE_TOO_LOW"))
    with pytest.raises(TryLater, match="fewer Stars"):
        await refund_stars(bot, _ANN, "stx1")


async def test_a_subscription_that_is_not_there_cannot_be_stopped(desk: Desk) -> None:
    with pytest.raises(Refused):
        await stop_subscription(desk.bot, _ANN, "stx1")


async def test_a_sweep_tells_everything_page_by_page_and_goes_on_from_its_point(desk: Desk) -> None:
    stars = Stars(desk.bot)
    link = await create_invoice_link(desk.bot, replace(_PLAN, price=Money(1, "XTR")))
    charges = [(await desk.pay(link=link)).charge_id for _ in range(101)]
    first = await stars.sweep("", 100)
    assert (len(first.found), first.more) == (100, True)
    second = await stars.sweep(first.point, 100)
    assert second.more is False
    told = [each for each in (*first.found, *second.found) if isinstance(each, Charge)]
    assert [charge.charge_id for charge in told] == charges
    assert {(charge.payer, charge.payload, charge.amount) for charge in told} == {
        (_ANN, _PLAN.payload, Money(1, "XTR"))
    }
    await stars.refund(charges[0], _ANN)
    third = await stars.sweep(second.point, 100)
    [refund] = [each for each in third.found if isinstance(each, Refund)]
    assert (refund.charge_id, refund.payer) == (charges[0], _ANN)
    assert third.more is False


async def test_the_stars_of_a_month_are_a_link_and_all_others_a_message(desk: Desk) -> None:
    stars = Stars(desk.bot)
    assert await stars.invoice(_PLAN) is None
    monthly = await stars.invoice(_MONTHLY)
    assert monthly is not None
    paid = await desk.pay(link=monthly.url)
    [charge] = (await stars.sweep("", 100)).found
    assert isinstance(charge, Charge)
    assert (charge.charge_id, charge.repeated) == (paid.charge_id, True)
    await stars.stop(paid.charge_id, _ANN)


async def test_what_is_no_invoices_business_is_counted_and_left_out(
    bot: TrioBot, api: ScriptedBotApi
) -> None:
    user = {"id": _ANN, "is_bot": False, "first_name": "Ann"}
    paid = {"type": "user", "transaction_type": "invoice_payment", "user": user, "invoice_payload": "p"}
    gift = {"type": "user", "transaction_type": "gift_purchase", "user": user}
    odd: list[object] = [
        {"id": "a", "amount": 5, "date": 1, "receiver": {"type": "fragment"}},
        {"id": "b", "amount": 5, "date": 2, "receiver": gift},
        {"id": "c", "amount": "five", "date": 3, "source": paid},
        {"id": "d", "amount": 5, "date": 4},
        {"id": "e", "amount": 5, "date": 5, "source": paid, "nanostar_amount": 0, "new_in_2031": []},
    ]
    api.on("getStarTransactions", ok({"transactions": odd}))
    with structlog.testing.capture_logs() as logged:
        page = await star_transactions(bot, 0, 100)
    assert ([each.charge_id for each in page.transactions], page.count) == (["e"], 5)
    assert len(logged) == 1
    api.on("getStarTransactions", ok({"transactions": "none"}))
    with pytest.raises(TryLater, match="page of transactions"):
        await star_transactions(bot, 0, 100)
