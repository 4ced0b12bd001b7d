"""Star subscriptions: charged again every period by the sandbox's clock, until somebody stops them."""

from datetime import timedelta
from typing import Any

import pytest

from tests.integrations.telegram.sandbox.conftest import Refused, Running
from tests.integrations.telegram.sandbox.paying import INVOICE, MONTH, YES, pay, stars, subscribe


async def payments(sandbox: Running) -> list[dict[str, Any]]:
    """The payments that the bot is told of and has not read."""
    return [update["message"]["successful_payment"] for update in await sandbox.updates(timeout=0)]


async def subscription(sandbox: Running, person: int = 1001) -> dict[str, Any]:
    """The person's one subscription as they see it."""
    people = (await sandbox.get("people"))["people"]
    [found] = next(each["subscriptions"] for each in people if each["id"] == person)
    return dict(found)


async def test_a_link_is_paid_by_somebody_who_never_started_the_bot(sandbox: Running) -> None:
    charge = await subscribe(sandbox, 1002)
    [payment] = await payments(sandbox)
    month_later = int(sandbox.clock().timestamp()) + MONTH
    assert payment["telegram_payment_charge_id"] == charge
    assert (payment["is_recurring"], payment["is_first_recurring"]) == (True, True)
    assert payment["subscription_expiration_date"] == month_later
    assert (await subscription(sandbox, 1002))["state"] == "active"


async def test_each_month_that_passes_is_one_more_charge_of_its_own(sandbox: Running) -> None:
    first = await subscribe(sandbox)
    [paid] = await payments(sandbox)
    await sandbox.post("advance", seconds=MONTH - 1)
    assert await payments(sandbox) == []
    await sandbox.post("advance", seconds=2 * MONTH)
    renewals = await payments(sandbox)
    assert len({first, *(each["telegram_payment_charge_id"] for each in renewals)}) == 3
    assert all(each["is_recurring"] and "is_first_recurring" not in each for each in renewals)
    ends = [each["subscription_expiration_date"] for each in (paid, *renewals)]
    assert [end - ends[0] for end in ends] == [0, MONTH, 2 * MONTH]
    assert await stars(sandbox) == 1000 - 3 * 150
    transactions = (await sandbox.call("getStarTransactions"))["transactions"]
    assert [each["date"] for each in transactions] == [ends[0] - MONTH, ends[0], ends[1]]
    assert {each["source"]["subscription_period"] for each in transactions} == {MONTH}


async def test_renewals_happen_as_time_goes_by_without_anybody_moving_a_clock(sandbox: Running) -> None:
    await subscribe(sandbox)
    await payments(sandbox)
    sandbox.clock.advance(timedelta(seconds=MONTH))
    [update] = await sandbox.updates(timeout=10)
    assert update["message"]["successful_payment"]["is_recurring"]


@pytest.mark.parametrize("who", ["the person", "the bot"])
async def test_who_stops_a_subscription_keeps_what_is_paid_and_is_not_charged_again(
    sandbox: Running, who: str
) -> None:
    charge = await subscribe(sandbox)
    await payments(sandbox)
    await stop(sandbox, who, charge, canceled=True)
    assert (await subscription(sandbox))["state"] == "canceled"
    await sandbox.post("advance", seconds=MONTH)
    assert (await payments(sandbox), await stars(sandbox)) == ([], 850)
    assert (await subscription(sandbox))["state"] == "over"
    with pytest.raises(Refused, match=r"over|SUBSCRIPTION_NOT_ACTIVE"):
        await stop(sandbox, who, charge, canceled=False)


@pytest.mark.parametrize("who", ["the person", "the bot"])
async def test_a_stop_that_is_taken_back_in_time_changes_nothing(sandbox: Running, who: str) -> None:
    charge = await subscribe(sandbox)
    await payments(sandbox)
    await stop(sandbox, who, charge, canceled=True)
    await stop(sandbox, who, charge, canceled=False)
    await sandbox.post("advance", seconds=MONTH)
    [renewal] = await payments(sandbox)
    await stop(
        sandbox, who, renewal["telegram_payment_charge_id"] if who == "the bot" else charge, canceled=True
    )
    assert (await subscription(sandbox))["state"] == "canceled"


async def stop(sandbox: Running, who: str, charge: str, *, canceled: bool) -> None:
    """One of the two sides stops a subscription or takes that back."""
    if who == "the bot":
        parameters = {"user_id": 1001, "telegram_payment_charge_id": charge, "is_canceled": canceled}
        assert await sandbox.call("editUserStarSubscription", **parameters) is True
    else:
        await sandbox.post("people/1001/subscriptions", id=charge, canceled=canceled)


async def test_who_has_too_few_stars_loses_the_subscription_and_no_star(sandbox: Running) -> None:
    await subscribe(sandbox)
    await payments(sandbox)
    await sandbox.change(1001, stars=149)
    await sandbox.post("advance", seconds=MONTH)
    await sandbox.change(1001, stars=5000)
    await sandbox.post("advance", seconds=MONTH)
    assert (await payments(sandbox), await stars(sandbox)) == ([], 5000)
    assert (await subscription(sandbox))["state"] == "over"


async def test_nobody_stops_what_is_not_theirs(sandbox: Running) -> None:
    charge = await subscribe(sandbox)
    await payments(sandbox)
    with pytest.raises(Refused, match="has no subscription"):
        await sandbox.post("people/1002/subscriptions", id=charge, canceled=True)
    for wrong in ({"user_id": 1002}, {"telegram_payment_charge_id": "stx1"}):
        parameters = {"user_id": 1001, "telegram_payment_charge_id": charge, "is_canceled": True}
        with pytest.raises(Refused, match="CHARGE_ID_INVALID"):
            await sandbox.call("editUserStarSubscription", **{**parameters, **wrong})


async def test_a_plain_link_is_paid_once_and_is_no_subscription(sandbox: Running) -> None:
    link = await sandbox.call("createInvoiceLink", **INVOICE)
    await pay(sandbox, {"link": link}, YES)
    [payment] = await payments(sandbox)
    assert "is_recurring" not in payment
    await sandbox.post("advance", seconds=MONTH)
    assert await payments(sandbox) == []


@pytest.mark.parametrize(
    ("changes", "description"),
    [
        ({"subscription_period": 86400}, "SUBSCRIPTION_PERIOD_INVALID"),
        ({"prices": [{"label": "a", "amount": 10_001}]}, "SUBSCRIPTION_PRICE_INVALID"),
    ],
)
async def test_a_wrong_subscription_is_refused(
    sandbox: Running, changes: dict[str, object], description: str
) -> None:
    with pytest.raises(Refused, match=description):
        await sandbox.call("createInvoiceLink", **{**INVOICE, "subscription_period": MONTH, **changes})
