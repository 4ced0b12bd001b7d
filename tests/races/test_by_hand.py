"""What operators do by hand, all at once too: who, why and when are kept, and value moves through the ledgers (F14)."""

from pathlib import Path
from typing import Any

import pytest

from domain.administration import DAYS_MAX
from domain.commands import AdjustBalance, GrantTime, RevokeAccess
from domain.entities import Provider
from domain.money import Money
from tests.fixtures.postgres import Database
from tests.races.market import open_market, person

WHO = person(1)

_ACTS = "SELECT kind, user_id, done_by, reason, amount, seconds, created_at FROM acts ORDER BY id"


def order(request: str, by: str = "olga", reason: str = "goodwill") -> dict[str, Any]:
    return {"request": request, "by": by, "reason": reason, "user_id": WHO.id}


@pytest.mark.requirement("F14")
async def test_ten_operators_who_take_from_one_balance_at_once_never_overdraw_it(
    database: Database, tmp_path: Path
) -> None:
    async with open_market(database, tmp_path) as market:
        await market.buy(WHO, "top_up:500", Provider.CRYPTOPAY)
        verdicts = await market.at_once(
            AdjustBalance(**order(f"r{n}", f"operator {n}"), amount=Money(-30000, "RUB")) for n in range(10)
        )
        assert sorted(each.done for each in verdicts) == [False] * 9 + [True]
        refused = {each.why for each in verdicts if not each.done}
        assert refused == {f"the balance is {Money(20000, 'RUB')}: no more can be taken from it"}
        assert market.balance(WHO) == 20000
        assert market.value("SELECT count(*) FROM acts") == 1


@pytest.mark.requirement("F14")
async def test_an_order_that_is_sent_five_times_is_carried_out_once(
    database: Database, tmp_path: Path
) -> None:
    async with open_market(database, tmp_path) as market:
        await market.invoice(WHO)
        for command in (
            AdjustBalance(**order("a"), amount=Money(100, "RUB")),
            GrantTime(**order("g"), days=3),
        ):
            assert {each.done for each in await market.at_once([command] * 5)} == {True}
        assert market.balance(WHO) == 100
        assert market.value("SELECT count(*) FROM periods") == 1
        assert market.value("SELECT count(*) FROM acts") == 2


@pytest.mark.requirement("F14")
async def test_every_act_is_kept_with_who_why_and_when_and_moves_value_through_a_ledger(
    database: Database, tmp_path: Path
) -> None:
    async with open_market(database, tmp_path) as market:
        await market.invoice(WHO)
        now = market.system.clock.now
        before = now()
        for command in (
            AdjustBalance(**order("1", "olga", "a gift"), amount=Money(700, "RUB")),
            AdjustBalance(**order("2", "ivan", "a mistake"), amount=Money(-200, "RUB")),
            GrantTime(**order("3", "olga", "an outage"), days=3),
            RevokeAccess(**order("4", "ivan", "abuse")),
        ):
            assert (await market.do(command)).done
        acts = market.rows(_ACTS)

        assert [act[:5] for act in acts] == [
            ("adjust", WHO.id, "olga", "a gift", 700),
            ("adjust", WHO.id, "ivan", "a mistake", -200),
            ("grant", WHO.id, "olga", "an outage", None),
            ("revoke", WHO.id, "ivan", "abuse", None),
        ]
        assert all(before <= act[6] <= now() for act in acts)
        moved = market.rows("SELECT cause, cause_id, amount FROM transfers ORDER BY id")
        assert moved == [("act", 1, 700), ("act", 2, 200)]
        given = market.rows("SELECT cause, cause_id, seconds > 0 FROM periods ORDER BY id")
        assert given == [("act", 3, True), ("act", 4, False)]
        assert market.told(WHO)[-4:] == ["adjusted", "adjusted", "time_granted", "revoked"]


@pytest.mark.requirement("F14")
@pytest.mark.parametrize("reason", ["", "  "])
async def test_nothing_is_done_by_hand_without_a_reason(
    database: Database, tmp_path: Path, reason: str
) -> None:
    async with open_market(database, tmp_path) as market:
        await market.invoice(WHO)
        for command in (
            AdjustBalance(**order("1", reason=reason), amount=Money(700, "RUB")),
            GrantTime(**order("2", reason=reason), days=3),
            RevokeAccess(**order("3", reason=reason)),
        ):
            verdict = await market.do(command)
            assert (verdict.done, verdict.why[:7]) == (False, "say why")
        assert market.value("SELECT count(*) FROM acts") == 0
        assert market.balance(WHO) == 0


@pytest.mark.parametrize("days", [-1, 0, DAYS_MAX + 1, 10**18])
async def test_days_that_must_be_a_slip_of_the_finger_are_refused_in_one_sentence(
    database: Database, tmp_path: Path, days: int
) -> None:
    async with open_market(database, tmp_path) as market:
        await market.invoice(WHO)
        verdict = await market.do(GrantTime(**order("1"), days=days))
        assert (verdict.done, verdict.why) == (False, f"expected 1 to {DAYS_MAX} days, found {days}")
        assert market.value("SELECT count(*) FROM acts") == 0
