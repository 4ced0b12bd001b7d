"""Stars that go back: by the bot or by Telegram itself, once, seen by both sides and in the transactions."""

import pytest

from tests.integrations.telegram.sandbox.conftest import Refused, Running
from tests.integrations.telegram.sandbox.paying import CARD, YES, pay, send_invoice, stars


async def test_a_refund_gives_back_once_and_both_sides_see_it(sandbox: Running) -> None:
    message_id = await send_invoice(sandbox)
    charge = (await pay(sandbox, {"message_id": message_id}, YES))["charge_id"]
    await sandbox.updates()
    refund = {"user_id": 1001, "telegram_payment_charge_id": charge}
    assert await sandbox.call("refundStarPayment", **refund) is True
    message = (await sandbox.updates())[0]["message"]
    assert message["refunded_payment"]["telegram_payment_charge_id"] == charge
    with pytest.raises(Refused, match="CHARGE_ALREADY_REFUNDED"):
        await sandbox.call("refundStarPayment", **refund)
    with pytest.raises(Refused, match="CHARGE_ID_INVALID"):
        await sandbox.call("refundStarPayment", **{**refund, "user_id": 1002})
    transactions = (await sandbox.call("getStarTransactions"))["transactions"]
    assert [(t["id"], t["amount"], "source" in t, "receiver" in t) for t in transactions] == [
        (charge, 150, True, False),
        (charge, 150, False, True),
    ]
    assert (await stars(sandbox), (await sandbox.call("getMyStarBalance"))["amount"]) == (1000, 0)


async def test_telegram_itself_can_give_a_payment_back(sandbox: Running) -> None:
    message_id = await send_invoice(sandbox)
    charge = (await pay(sandbox, {"message_id": message_id}, YES))["charge_id"]
    await sandbox.updates()
    await sandbox.post("refund", charge_id=charge)
    assert (await sandbox.updates())[0]["message"]["refunded_payment"]["total_amount"] == 150
    assert await stars(sandbox) == 1000


async def test_pages_of_transactions_are_in_the_order_of_time_and_add_up(sandbox: Running) -> None:
    message_id = await send_invoice(sandbox)
    charges = []
    for _ in range(3):
        charges.append((await pay(sandbox, {"message_id": message_id}, YES))["charge_id"])
        await sandbox.updates()
    await sandbox.call("refundStarPayment", user_id=1001, telegram_payment_charge_id=charges[0])
    whole = (await sandbox.call("getStarTransactions"))["transactions"]
    pages = [
        (await sandbox.call("getStarTransactions", offset=offset, limit=2))["transactions"]
        for offset in (0, 2, 4)
    ]
    assert [len(page) for page in pages] == [2, 2, 0]
    assert [each for page in pages for each in page] == whole
    assert [each["id"] for each in whole] == [*charges, charges[0]]
    moved = sum(each["amount"] * (1 if "source" in each else -1) for each in whole)
    balance = (await sandbox.call("getMyStarBalance"))["amount"]
    assert (moved, balance, await stars(sandbox)) == (300, 300, 700)


async def test_money_on_a_card_is_not_telegrams_to_give_back(sandbox: Running) -> None:
    message_id = await send_invoice(sandbox, **CARD)
    charge = (await pay(sandbox, {"message_id": message_id}, YES))["charge_id"]
    with pytest.raises(Refused, match="CHARGE_ID_INVALID"):
        await sandbox.call("refundStarPayment", user_id=1001, telegram_payment_charge_id=charge)
    with pytest.raises(Refused, match="no charge"):
        await sandbox.post("refund", charge_id=charge)
