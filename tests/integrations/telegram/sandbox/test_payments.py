"""Stars: the bot is asked, a yes in time is one payment, everything else takes nothing from anybody."""

from datetime import timedelta

import pytest
import trio
import trio.testing

from integrations.sandbox_store import Store
from integrations.telegram.sandbox.errors import BotApiError
from integrations.telegram.sandbox.service import Service
from integrations.telegram.sandbox.state import StoredInvoice, World
from integrations.telegram.sandbox.wire import User
from tests.integrations.telegram.sandbox.conftest import Clock, Refused, Running
from tests.integrations.telegram.sandbox.paying import YES, pay, send_invoice, stars

TOO_OLD = "Bad Request: query is too old and response timeout expired or query ID is invalid"


async def test_a_yes_moves_the_stars_and_tells_the_bot(sandbox: Running) -> None:
    message_id = await send_invoice(sandbox)
    outcome = await pay(sandbox, {"message_id": message_id}, YES)
    message = (await sandbox.updates())[0]["message"]
    assert outcome == {
        "paid": True,
        "charge_id": message["successful_payment"]["telegram_payment_charge_id"],
        "message_id": message["message_id"],
    }
    assert message["successful_payment"]["invoice_payload"] == "order:1"
    assert (await stars(sandbox), (await sandbox.call("getMyStarBalance"))["amount"]) == (850, 150)
    seen = (await sandbox.get("people/1001/messages"))["messages"]
    assert [m["invoice"]["paid"] for m in seen if "invoice" in m] == [True]


async def test_a_no_takes_nothing_and_shows_the_bots_reason(sandbox: Running) -> None:
    message_id = await send_invoice(sandbox)
    outcome = await pay(sandbox, {"message_id": message_id}, {"ok": False, "error_message": "Already paid"})
    assert outcome == {"paid": False, "reason": "Already paid"}
    assert (await stars(sandbox), await sandbox.call("getUpdates")) == (1000, [])


async def test_who_has_too_few_stars_is_told_and_the_bot_is_not_asked(sandbox: Running) -> None:
    message_id = await send_invoice(sandbox, prices=[{"label": "x", "amount": 1001}])
    outcome = await sandbox.post("people/1001/pay", message_id=message_id)
    assert outcome == {"paid": False, "reason": "not enough Stars: 1001 needed, 1000 there"}
    assert await sandbox.call("getUpdates") == []


async def test_one_invoice_paid_twice_and_by_another_gives_three_charges(sandbox: Running) -> None:
    message_id = await send_invoice(sandbox)
    await sandbox.start(1002)
    outcomes = []
    for person, target in [(1001, {}), (1001, {}), (1002, {"chat": 1001})]:
        outcomes.append(await pay(sandbox, {"message_id": message_id, **target}, YES, person))
        payment = (await sandbox.updates())[0]["message"]
        assert (payment["from"]["id"], payment["chat"]["id"]) == (person, person)
    assert len({outcome["charge_id"] for outcome in outcomes}) == 3
    assert (await stars(sandbox), await stars(sandbox, 1002)) == (700, 850)


async def test_a_forwarded_invoice_with_a_start_parameter_has_no_pay_button(sandbox: Running) -> None:
    message_id = await send_invoice(sandbox, start_parameter="order1")
    with pytest.raises(Refused, match="has no Pay button"):
        await sandbox.post("people/1002/pay", message_id=message_id, chat=1001)


async def test_a_payment_that_the_bot_is_not_told_of_happened_and_can_be_told_later(sandbox: Running) -> None:
    message_id = await send_invoice(sandbox)
    await sandbox.post("withhold", count=1)
    charge = (await pay(sandbox, {"message_id": message_id}, YES))["charge_id"]
    assert await sandbox.call("getUpdates") == []
    [transaction] = (await sandbox.call("getStarTransactions"))["transactions"]
    assert transaction["id"] == charge
    withheld = (await sandbox.get("updates"))["confirmed"][-1]
    await sandbox.post("redeliver", update_id=withheld["update_id"])
    [told] = await sandbox.updates()
    assert told["message"]["successful_payment"]["telegram_payment_charge_id"] == charge


def service_with_invoice(clock: Clock) -> tuple[Service, StoredInvoice]:
    """Telegram without its server, and an invoice of 150 Stars."""
    service = Service.over(World(Store(None), clock, User(id=7, is_bot=True, first_name="Bot")))
    invoice = StoredInvoice(1, "1 month", "30 days", "order:1", "XTR", 150)
    service.world.invoices.put(1, invoice)
    return service, invoice


def answer_refused(service: Service) -> bool:
    """Whether a yes to the question that waits is refused as too late."""
    query = service.updates.waiting()[0].pre_checkout_query
    assert query is not None
    try:
        service.payments.answer(query.id, True, "")
    except BotApiError as refused:
        return refused.description == TOO_OLD
    return False


async def test_a_late_answer_is_refused_and_takes_nothing(nursery: trio.Nursery, clock: Clock) -> None:
    service, invoice = service_with_invoice(clock)
    nursery.start_soon(service.payments.pay, service.world.person(1001), invoice)
    await trio.testing.wait_all_tasks_blocked()
    clock.advance(timedelta(seconds=11))
    assert answer_refused(service)
    assert (service.world.person(1001).stars, service.till.balance()) == (1000, 0)
    nursery.cancel_scope.cancel()


async def test_a_bot_that_does_not_answer_within_ten_seconds_fails_the_payment(
    autojump_clock: trio.testing.MockClock, clock: Clock
) -> None:
    service, invoice = service_with_invoice(clock)
    began = trio.current_time()
    outcome = await service.payments.pay(service.world.person(1001), invoice)
    assert (outcome.paid, outcome.reason) == (False, "the bot did not answer within 10 s")
    assert trio.current_time() - began == 10
    assert answer_refused(service)
    assert service.world.person(1001).stars == 1000


@pytest.mark.parametrize(
    ("changes", "description"),
    [
        ({"title": ""}, 'Bad Request: parameter "title" is required'),
        ({"title": "x" * 33}, "Bad Request: INVOICE_TITLE_TOO_LONG"),
        ({"description": "x" * 256}, "Bad Request: INVOICE_DESCRIPTION_TOO_LONG"),
        ({"payload": "я" * 65}, "Bad Request: INVOICE_PAYLOAD_INVALID"),
        ({"payload": None}, 'Bad Request: parameter "payload" is required'),
        ({"currency": "stars"}, "Bad Request: CURRENCY_INVALID"),
        ({"provider_token": "284685063:TEST:abc"}, "Bad Request: PAYMENT_PROVIDER_INVALID"),
        ({"prices": []}, 'Bad Request: parameter "prices" is required'),
        ({"prices": "150"}, "Bad Request: can't parse prices JSON object"),
        ({"prices": [{"label": "a", "amount": 1}] * 2}, "Bad Request: STARS_INVOICE_INVALID"),
        ({"prices": [{"label": "a", "amount": 0}]}, "Bad Request: CURRENCY_TOTAL_AMOUNT_INVALID"),
        (
            {"reply_markup": {"inline_keyboard": [[{"text": "x", "callback_data": "y"}]]}},
            "Bad Request: REPLY_MARKUP_BUY_EMPTY",
        ),
    ],
)
async def test_a_wrong_invoice_is_refused(
    sandbox: Running, changes: dict[str, object], description: str
) -> None:
    with pytest.raises(Refused) as refused:
        await send_invoice(sandbox, **changes)
    assert str(refused.value) == description


async def test_a_no_needs_a_reason(sandbox: Running) -> None:
    with pytest.raises(Refused, match='parameter "error_message" is required'):
        await sandbox.call("answerPreCheckoutQuery", pre_checkout_query_id="1", ok=False)
