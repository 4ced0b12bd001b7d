"""Cards: a provider token of the sandbox, amounts that Telegram takes, and a yes that is not yet a payment."""

import pytest

from tests.integrations.telegram.sandbox.conftest import Refused, Running
from tests.integrations.telegram.sandbox.paying import CARD, CARD_INVOICE, YES, pay, send_invoice, stars


async def test_a_card_pays_in_the_shops_currency_and_moves_no_stars(sandbox: Running) -> None:
    message_id = await send_invoice(sandbox, **CARD)
    outcome = await pay(sandbox, {"message_id": message_id}, YES)
    payment = (await sandbox.updates())[0]["message"]["successful_payment"]
    assert (payment["currency"], payment["total_amount"]) == ("RUB", 19900)
    assert payment["telegram_payment_charge_id"] == outcome["charge_id"]
    assert payment["provider_payment_charge_id"]
    assert (await sandbox.call("getStarTransactions"))["transactions"] == []
    assert await stars(sandbox) == 1000


async def test_a_card_that_is_declined_after_the_bots_yes_pays_nothing(sandbox: Running) -> None:
    message_id = await send_invoice(sandbox, **CARD)
    await sandbox.change(1001, card="declined")
    outcome = await pay(sandbox, {"message_id": message_id}, YES)
    assert outcome == {"paid": False, "reason": "the card was declined"}
    assert await sandbox.call("getUpdates") == []


async def test_the_prices_of_an_invoice_add_up(sandbox: Running) -> None:
    prices = [{"label": "1 month", "amount": 24900}, {"label": "Promo", "amount": -5000}]
    message_id = await send_invoice(sandbox, **{**CARD, "prices": prices})
    shown = (await sandbox.get("people/1001/messages"))["messages"]
    assert [m["invoice"]["total_amount"] for m in shown if m["message_id"] == message_id] == [19900]


@pytest.mark.parametrize(
    ("changes", "description"),
    [
        ({"provider_token": ""}, "Bad Request: PAYMENT_PROVIDER_INVALID"),
        ({"provider_token": "284685063:TEST:abc"}, "Bad Request: PAYMENT_PROVIDER_INVALID"),
        ({"currency": "rub"}, "Bad Request: CURRENCY_INVALID"),
        ({"prices": [{"label": "a", "amount": 500}]}, "Bad Request: CURRENCY_TOTAL_AMOUNT_INVALID"),
        ({"prices": [{"label": "a", "amount": 10**9}]}, "Bad Request: CURRENCY_TOTAL_AMOUNT_INVALID"),
    ],
)
async def test_a_wrong_card_invoice_is_refused(
    sandbox: Running, changes: dict[str, object], description: str
) -> None:
    with pytest.raises(Refused) as refused:
        await send_invoice(sandbox, **{**CARD, **changes})
    assert str(refused.value) == description


async def test_a_card_cannot_be_charged_every_month(sandbox: Running) -> None:
    with pytest.raises(Refused, match="SUBSCRIPTION_PERIOD_INVALID"):
        await sandbox.call("createInvoiceLink", **CARD_INVOICE, subscription_period=2_592_000)
