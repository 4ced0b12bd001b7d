"""The balance while everybody pays from it at once: taps, devices, ticks of the renewal, restarts, a second process."""

from datetime import timedelta
from pathlib import Path

import pytest
import trio
import trio.testing

from actors.auto_renewal import AutoRenewal
from domain.commands import AutoRenew, ExpireSubscriptions, PayFromBalance, Person, Renewal, SetAutoRenewal
from domain.entities import Provider
from runtime import Tick
from tests.actors.test_db_writer import cut
from tests.fixtures.postgres import Database
from tests.races.market import Market, open_market, paid, person
from tests.storage.shop import open_desk

_PRICE, _TOP_UP = 19900, 50000

_RENEWED = """
    SELECT (SELECT count(*) FROM payments WHERE charge_id LIKE 'renewal:%%'), (SELECT count(*) FROM periods),
        (SELECT count(*) FROM outbox WHERE kind = 'renewed')
"""


@pytest.mark.requirement("R7")
async def test_twenty_taps_on_several_devices_pay_a_purchase_once(database: Database, tmp_path: Path) -> None:
    who = person(1)
    async with open_market(database, tmp_path) as market:
        await market.buy(who, "top_up:500", Provider.CRYPTOPAY)
        purchase = await market.invoice(who, provider=Provider.BALANCE)
        taps = await market.updates([who] * 20)
        replies = await market.at_once(PayFromBalance(tap, who, purchase.purchase_id) for tap in taps)

        assert sum(reply is not None for reply in replies) == 1
        assert market.balance(who) == _TOP_UP - _PRICE
        assert market.told(who).count("paid") == 1
        assert market.told(who).count("already_paid") == 19


@pytest.mark.requirement("R7", "F6")
async def test_a_balance_for_two_purchases_pays_two_of_ten_and_the_others_are_told_what_is_missing(
    database: Database, tmp_path: Path
) -> None:
    who = person(1)
    async with open_market(database, tmp_path) as market:
        await market.buy(who, "top_up:500", Provider.CRYPTOPAY)
        purchases = [await market.invoice(who, provider=Provider.BALANCE) for _ in range(10)]
        taps = await market.updates([who] * 10)
        replies = await market.at_once(
            PayFromBalance(tap, who, each.purchase_id) for tap, each in zip(taps, purchases, strict=True)
        )

        assert sum(reply is not None for reply in replies) == 2
        assert market.balance(who) == _TOP_UP - 2 * _PRICE
        missing = market.rows(
            "SELECT DISTINCT body->'missing'->>'minor' FROM outbox WHERE kind = 'not_enough'"
        )
        assert missing == [(str(3 * _PRICE - _TOP_UP),)]


@pytest.mark.requirement("R2", "F4")
async def test_ten_ticks_and_an_expiry_at_once_renew_a_period_once(
    database: Database, tmp_path: Path
) -> None:
    who = person(1)
    async with open_market(database, tmp_path) as market:
        subscription = await subscribe(market, who)
        market.move(timedelta(days=30))
        outcomes = await market.at_once([AutoRenew(subscription)] * 10)
        ended = await market.at_once([ExpireSubscriptions((subscription,))] * 3)

        assert sorted(outcomes) == sorted([Renewal.RENEWED] + [Renewal.NOT_DUE] * 9)
        assert [each.ended for each in ended] == [0, 0, 0]
        assert market.rows(_RENEWED) == [(1, 2, 1)]
        assert market.balance(who) == _TOP_UP - _PRICE


@pytest.mark.requirement("R2", "F4", "F16")
async def test_renewed_by_one_process_a_period_is_not_renewed_by_the_next_one(
    database: Database, tmp_path: Path
) -> None:
    who = person(1)
    async with open_market(database, tmp_path) as market:
        subscription = await subscribe(market, who)
        market.move(timedelta(days=30))
        due = market.system.clock.now()
        assert await market.do(AutoRenew(subscription)) is Renewal.RENEWED
        cut(database)
        async with open_desk(
            database.writer
        ) as second:  # it takes over while the first has lost its connection
            [outcome] = await second.writer.execute([AutoRenew(subscription)], due)
            assert getattr(outcome, "reply", None) is Renewal.NOT_DUE
        assert await market.do(AutoRenew(subscription)) is Renewal.NOT_DUE
        assert market.rows(_RENEWED) == [(1, 2, 1)]
    async with open_market(database, tmp_path) as market:  # and after a restart
        market.move(timedelta(days=30))
        assert await market.do(AutoRenew(subscription)) is Renewal.NOT_DUE
        assert market.rows(_RENEWED) == [(1, 2, 1)]


@pytest.mark.requirement("F6")
async def test_a_balance_that_is_short_is_told_once_and_topping_up_is_enough_to_have_it_renewed(
    database: Database, tmp_path: Path
) -> None:
    who = person(1)
    async with open_market(database, tmp_path, {"auto_renewal": AutoRenewal}) as market:
        subscription = await subscribe(market, who, credit=False)
        market.move(timedelta(days=29, hours=13))
        for _ in range(3):
            market.system.ref("auto_renewal").cast(Tick())
            await trio.testing.wait_all_tasks_blocked(0.05)
        assert await market.do(AutoRenew(subscription)) is Renewal.SHORT
        assert market.rows(_RENEWED) == [(0, 1, 0)]
        assert market.told(who).count("renewal_short") == 1
        assert (
            market.value("SELECT body->'missing'->>'minor' FROM outbox WHERE kind = 'renewal_short'")
            == "19900"
        )

        await market.buy(who, "top_up:500", Provider.CRYPTOPAY)
        with trio.fail_after(10):
            while market.rows(_RENEWED) != [(1, 2, 1)]:
                await trio.testing.wait_all_tasks_blocked(0.01)
        assert market.balance(who) == _TOP_UP - _PRICE


@pytest.mark.requirement("R2", "F4")
async def test_the_worker_and_a_person_who_pays_at_the_same_moment_each_buy_one_period(
    database: Database, tmp_path: Path
) -> None:
    who = person(1)
    async with open_market(database, tmp_path) as market:
        subscription = await subscribe(market, who)
        market.move(timedelta(days=29, hours=20))
        purchase = await market.invoice(who, provider=Provider.STARS)
        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(market.do, AutoRenew(subscription))
                nursery.start_soon(market.do, paid(purchase, who))
        renewals, periods, _ = market.rows(_RENEWED)[0]
        assert (renewals, periods) in [(1, 3), (0, 2)], (
            "whoever came second found a subscription that was not due"
        )
        assert market.balance(who) == _TOP_UP - renewals * _PRICE


async def subscribe(market: Market, who: Person, *, credit: bool = True) -> int:
    """A month by Stars that renews from the balance; gives the subscription's number."""
    await market.buy(who)
    if credit:
        await market.buy(who, "top_up:500", Provider.CRYPTOPAY)
    await market.do(SetAutoRenewal(await market.update(who), who, True))
    return int(market.value("SELECT id FROM subscriptions WHERE user_id = %s", who.id))
