"""Refunds: whatever had been paid for, whoever sends the money back, and however often that is reported.

The policy is the table in docs/money.md (F11).
"""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from domain.commands import AskRefund, EnterCode
from domain.entities import Provider
from tests.fixtures.postgres import Database
from tests.races.market import Market, open_market, returned
from tests.races.refundable import BUYER, CASES, FRIEND, Case, a_gift_nobody_redeemed, operator, spend

_DAY = 86400

_CLEARING = """
    SELECT kind, currency, (credits - debits)::bigint FROM accounts
    WHERE kind LIKE '%%_clearing' AND credits <> debits ORDER BY kind
"""
_NOT_RETURNED = """
    SELECT provider || '_clearing', amount_currency, -sum(amount)::bigint FROM payments
    WHERE provider <> 'balance' AND id NOT IN (SELECT payment_id FROM refunds WHERE state = 'done')
    GROUP BY 1, 2 ORDER BY 1
"""


@pytest.mark.requirement("F11")
@pytest.mark.parametrize("way", ["by us", "by Telegram", "by hand", "by all of them at once"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
async def test_what_was_paid_for_is_taken_back_once(
    database: Database, tmp_path: Path, case: Case, way: str
) -> None:
    async with open_market(database, tmp_path) as market:
        payment, left = await case(market)
        await send_back(market, payment, way)

        assert market.rows("SELECT payment_id, state FROM refunds") == [(payment, "done")]
        assert market.value("SELECT shortage FROM refunds") == left.shortage
        assert market.balance(BUYER) == left.balance
        for user, days in left.days.items():
            assert days_left(market, user) == days
        assert market.rows(_CLEARING) == market.rows(_NOT_RETURNED), (
            "the provider holds what was not sent back"
        )
        assert market.told(BUYER).count("refunded") == 1
        assert market.value("SELECT count(*) FROM reviews WHERE action IS NULL") == 0


async def send_back(market: Market, payment: int, way: str) -> None:
    """Send the money back in one of the ways; then everybody reports it again."""
    asked = AskRefund(**operator(1), payment_id=payment)
    update = await market.update(BUYER)
    reports = [
        returned(market, payment, by="provider"),
        returned(market, payment, by="telegram", update_id=update),
        returned(market, payment, by="olga"),
    ]
    match way:
        case "by us":
            assert (await market.do(asked)).done
            assert market.value("SELECT state FROM refunds") == "asked"
            await market.do(reports[0])
        case "by Telegram":
            await market.do(reports[1])
        case "by hand":
            await market.do(reports[2])
        case _:
            await market.at_once([asked, *reports, *reports, *reports])
    await market.at_once(reports * 3)
    assert not (await market.do(replace(asked, request="r2"))).done
    assert market.value("SELECT done_at IS NOT NULL FROM updates WHERE id = %s", update)


def days_left(market: Market, user: int) -> int:
    """Whole days of access that a user has from now on."""
    rows = market.rows(
        "SELECT expires_at, status, present FROM subscriptions JOIN grants ON subscription_id = subscriptions.id "
        "WHERE user_id = %s",
        user,
    )
    if not rows:
        return 0
    [(ends_at, status, present)] = rows
    left: timedelta = ends_at - market.system.clock.now()
    assert present is (status == "active")
    return round(max(left.total_seconds(), 0) / _DAY)


@pytest.mark.requirement("F11")
async def test_the_code_of_a_refunded_gift_is_void(database: Database, tmp_path: Path) -> None:
    async with open_market(database, tmp_path) as market:
        payment, _ = await a_gift_nobody_redeemed(market)
        code = market.value("SELECT code FROM gifts")
        await send_back(market, payment, "by us")
        updates = await market.updates([FRIEND] * 5)
        await market.at_once(EnterCode(update, FRIEND, code) for update in updates)
        assert market.told(FRIEND) == ["code_refused"] * 5
        assert market.value("SELECT count(*) FROM subscriptions") == 0


@pytest.mark.requirement("F11")
async def test_a_refund_and_the_redemption_of_a_gift_at_the_same_moment_end_without_access(
    database: Database, tmp_path: Path
) -> None:
    async with open_market(database, tmp_path) as market:
        payment, _ = await a_gift_nobody_redeemed(market)
        code = market.value("SELECT code FROM gifts")
        update = await market.update(FRIEND)
        await market.at_once([EnterCode(update, FRIEND, code), returned(market, payment, by="telegram")])
        assert days_left(market, FRIEND.id) == 0


@pytest.mark.requirement("F11")
async def test_what_was_paid_from_the_balance_goes_back_to_it_at_once(
    database: Database, tmp_path: Path
) -> None:
    async with open_market(database, tmp_path) as market:
        await market.buy(BUYER, "top_up:500", Provider.CRYPTOPAY)
        await spend(market)
        payment = market.value("SELECT id FROM payments WHERE provider = 'balance'")
        asked = [AskRefund(**operator(n), payment_id=payment) for n in range(5)]
        verdicts = await market.at_once(asked)
        assert sorted(each.done for each in verdicts) == [False] * 4 + [True]
        assert market.balance(BUYER) == 50000
        assert days_left(market, BUYER.id) == 0
