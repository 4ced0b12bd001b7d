"""Promo codes while everybody uses them at once (F12)."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.commands import CreatePromo, LapseInvoices, StartPurchase, SwitchPromo
from domain.entities import PaymentOutcome, PromoKind, Provider
from tests.fixtures.postgres import Database
from tests.races.market import Market, open_market, paid, person

_PEOPLE = 100
_FULL, _HALF = 150, 75
_TWO_HOURS = timedelta(hours=2)

_USES = """
    SELECT taken, honoured, (SELECT count(*) FROM redemptions WHERE redemptions.code = promos.code)
    FROM promos WHERE code = 'HALF'
"""


def operator(number: int = 1) -> dict[str, Any]:
    return {"request": f"r{number}", "by": "olga", "reason": "spring"}


async def make_code(market: Market, **limits: Any) -> None:
    """HALF: 50 % off, with these limits."""
    verdict = await market.do(
        CreatePromo(**operator(), code="HALF", kind=PromoKind.PERCENT, percent=50, **limits)
    )
    assert verdict.done, verdict.why


@pytest.mark.requirement("F12")
async def test_of_a_hundred_people_at_once_one_gets_the_one_use_and_the_others_are_told_before_they_pay(
    database: Database, tmp_path: Path
) -> None:
    crowd = [person(n) for n in range(_PEOPLE)]
    async with open_market(database, tmp_path) as market:
        await make_code(market, max_uses=1)
        for who in crowd:
            await market.enter(who, "half")
        updates = await market.updates(crowd)
        started = await market.at_once(
            StartPurchase(update, who, "plan:month", Provider.STARS)
            for update, who in zip(updates, crowd, strict=True)
        )
        [(winner, invoice)] = [
            (who, each) for who, each in zip(crowd, started, strict=True) if each is not None
        ]

        assert invoice.price.minor == _HALF
        refused = market.rows("SELECT chat_id, body->>'reason' FROM outbox WHERE kind = 'code_refused'")
        assert sorted(refused) == sorted((who.id, "used_up") for who in crowd if who != winner)
        assert market.rows(_USES) == [(1, 0, 0)]

        await market.do(paid(invoice, winner))
        again = [await market.invoice(who) for who in crowd]
        assert {each.price.minor for each in again} == {_FULL}
        assert market.rows(_USES) == [(1, 0, 1)]


@pytest.mark.requirement("F12")
async def test_one_person_on_two_devices_has_one_discount(database: Database, tmp_path: Path) -> None:
    who = person(1)
    async with open_market(database, tmp_path) as market:
        await make_code(market, per_user=1)
        await market.enter(who, "HALF")
        taps = await market.updates([who] * 20)
        started = await market.at_once(
            StartPurchase(update, who, "plan:month", Provider.STARS) for update in taps
        )
        invoices = [each for each in started if each is not None]
        assert market.rows(_USES) == [(1, 0, 0)]

        receipts = await market.at_once(paid(each, who) for each in invoices)

        honoured = [each for each in receipts if each.outcome is not PaymentOutcome.UNDERPAID]
        assert len(honoured) == 1
        assert market.rows(_USES) == [(1, 0, 1)]
        assert (
            market.value(
                "SELECT count(*) FROM subscriptions JOIN periods ON subscription_id = subscriptions.id"
            )
            == 1
        )
        worth = sum(each.price.minor for each in invoices) - _HALF
        assert market.balance(who) == worth * 9950 // _HALF, "the rest is on the balance"


@pytest.mark.requirement("F12")
async def test_a_code_that_ran_out_while_an_invoice_stood_unpaid_is_honoured_as_invoiced(
    database: Database, tmp_path: Path
) -> None:
    late, quick = person(1), person(2)
    async with open_market(database, tmp_path) as market:
        await make_code(market, max_uses=1)
        await market.enter(late, "HALF")
        invoice = await market.invoice(late)
        market.move(_TWO_HOURS)
        assert await market.do(LapseInvoices((invoice.purchase_id,))) == 1
        await market.enter(quick, "HALF")
        await market.buy(quick)
        assert market.rows(_USES) == [(1, 0, 1)]

        receipt = await market.do(paid(invoice, late))

        assert receipt.outcome is PaymentOutcome.LATE
        assert market.told(late)[-1] == "paid"
        assert market.rows(_USES) == [(1, 1, 2)]


@pytest.mark.requirement("F12")
@pytest.mark.parametrize("how", ["ended", "switched off"])
async def test_a_code_that_was_over_before_the_payment_is_honoured_as_invoiced(
    database: Database, tmp_path: Path, how: str
) -> None:
    who, other = person(1), person(2)
    async with open_market(database, tmp_path) as market:
        await make_code(market, ends_at=None if how == "switched off" else market_day(market) + _TWO_HOURS)
        await market.enter(who, "HALF")
        invoice = await market.invoice(who)
        if how == "ended":
            market.move(3 * _TWO_HOURS)
        else:
            await market.do(SwitchPromo(**operator(2), code="HALF", enabled=False))
        await market.enter(other, "HALF")

        receipt = await market.do(paid(invoice, who))

        assert receipt.outcome.settles
        assert market.rows(_USES) == [(1, 0, 1)]
        assert market.told(other)[-1] == "code_refused"


def market_day(market: Market) -> Any:
    """The market's present moment."""
    return market.system.clock.now()


@pytest.mark.requirement("F12")
async def test_a_use_that_lapsed_goes_to_whoever_comes_next(database: Database, tmp_path: Path) -> None:
    first, second = person(1), person(2)
    async with open_market(database, tmp_path) as market:
        await make_code(market, max_uses=1)
        for who in (first, second):
            await market.enter(who, "HALF")
        invoice = await market.invoice(first)
        market.move(_TWO_HOURS)
        lapses = await market.at_once([LapseInvoices((invoice.purchase_id,))] * 5)
        assert sorted(lapses) == [0, 0, 0, 0, 1]

        assert (await market.invoice(second)).price.minor == _HALF
        assert market.rows(_USES) == [(1, 0, 0)]
