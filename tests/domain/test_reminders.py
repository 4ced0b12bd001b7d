"""Reminders of an end: when they are due, that a renewal begins them anew, and what need not be said."""

from datetime import datetime, timedelta

import pytest

from domain import messages
from domain.commands import (
    AdjustBalance,
    ExpireSubscriptions,
    MarkUnreachable,
    RemindSubscriptions,
    RenewNow,
    RevokeAccess,
    SetAutoRenewal,
    StartTrial,
)
from domain.entities import OutboxMessage, Subscription
from domain.messages import decode
from domain.money import Money
from tests.domain.memory import Shop
from tests.domain.test_access import buy, subscription
from tests.storage.shop import ALICE, NOW

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def remind(shop: Shop) -> list[OutboxMessage]:
    """Everything that a look at what is due now writes."""
    known = set(shop.rows.outbox.changed)
    assert shop.do(RemindSubscriptions((1,))) == 1
    return [row for number, row in shop.rows.outbox.changed.items() if number not in known]


def pass_time(shop: Shop, until: datetime, step: timedelta = HOUR) -> list[tuple[datetime, str]]:
    """Look each hour; what was said, with its moment."""
    said = []
    while shop.now < until:
        shop.wait(step)
        said += [(shop.now, row.kind) for row in remind(shop)]
    return said


def end(shop: Shop) -> None:
    shop.do(ExpireSubscriptions((1,), trials=subscription(shop).trial))


@pytest.mark.requirement("W9")
def test_whoever_does_not_renew_is_reminded_before_and_after_the_end() -> None:
    shop = Shop()
    buy(shop)
    ends_at = NOW + 30 * DAY
    before = pass_time(shop, ends_at)
    end(shop)
    after = pass_time(shop, ends_at + 30 * DAY)
    assert before == [(ends_at - each, "ends_soon") for each in (3 * DAY, DAY, 3 * HOUR)]
    assert after == [(ends_at + each, "come_back") for each in (DAY, 3 * DAY)]


@pytest.mark.requirement("W2")
def test_a_trial_has_reminders_of_its_own() -> None:
    shop = Shop()
    shop.do(StartTrial(shop.update(), ALICE))
    ends_at = NOW + 3 * DAY
    said = pass_time(shop, ends_at)
    end(shop)
    said += pass_time(shop, ends_at + 30 * DAY)
    assert said == [
        (ends_at - DAY, "ends_soon"),
        (ends_at - 3 * HOUR, "ends_soon"),
        (ends_at + DAY, "come_back"),
    ]
    told = [decode(row.body) for row in shop.rows.outbox.changed.values()]
    assert all(message.trial for message in told if isinstance(message, messages.Reminder))


@pytest.mark.requirement("N2")
def test_a_renewal_begins_a_new_period_in_which_the_reminders_come_again() -> None:
    shop = Shop()
    buy(shop)
    first = pass_time(shop, NOW + 28 * DAY)
    buy(shop)
    second = pass_time(shop, NOW + 60 * DAY)
    assert [kind for _, kind in first] == ["ends_soon"]
    assert [moment for moment, _ in second] == [NOW + 60 * DAY - each for each in (3 * DAY, DAY, 3 * HOUR)]
    keys = [row.key for row in shop.rows.outbox.changed.values()]
    assert len(set(keys)) == len(keys)


@pytest.mark.requirement("N2", "R6")
def test_a_reminder_is_one_row_however_often_it_is_looked_for() -> None:
    shop = Shop()
    buy(shop)
    shop.wait(27 * DAY)
    assert [row.kind for row in remind(shop)] == ["ends_soon"]
    assert remind(shop) == remind(shop) == []
    keys = [row.key for row in shop.rows.outbox.changed.values()]
    assert len(set(keys)) == len(keys)


@pytest.mark.requirement("N7")
@pytest.mark.parametrize(
    ("away_from", "away_until", "said"),
    [
        (28 * DAY, 28 * DAY + 8 * HOUR, []),
        (
            27 * DAY - HOUR,
            27 * DAY + 7 * HOUR,
            [],
        ),  # it is 22:00 where the reader is, who hears of it at 9:00
        (30 * DAY - 4 * HOUR, 30 * DAY - HOUR, ["ends_soon"]),
        (30 * DAY - 4 * HOUR, 30 * DAY + 4 * HOUR, []),
        (25 * DAY, 29 * DAY + HOUR, ["ends_soon"]),
        (25 * DAY, 40 * DAY, []),
    ],
)
def test_after_a_downtime_only_what_still_makes_sense_is_said(
    away_from: timedelta, away_until: timedelta, said: list[str]
) -> None:
    shop = Shop()
    buy(shop)
    pass_time(shop, NOW + away_from)
    shop.now = NOW + away_until
    if shop.now >= subscription(shop).expires_at:
        end(shop)
    rows = remind(shop)
    prompt = [row.kind for row in rows if row.not_before == shop.now]
    assert prompt == said
    assert all(row.expires_at is not None and row.not_before < row.expires_at for row in rows)


def test_an_end_that_nobody_has_decided_yet_is_not_spoken_of_as_past() -> None:
    shop = Shop()
    buy(shop)
    shop.wait(31 * DAY)
    assert shop.do(RemindSubscriptions((1,))) == 0
    end(shop)
    assert [row.kind for row in remind(shop)] == ["come_back"]


def test_the_reminder_of_an_end_that_was_decided_later_still_comes() -> None:
    shop = Shop()
    buy(shop)
    said = pass_time(shop, NOW + 30 * DAY)
    end(shop)
    assert len(said) == 3
    assert [kind for _, kind in pass_time(shop, NOW + 35 * DAY)] == ["come_back"] * 2


def fund(shop: Shop, minor: int) -> None:
    """Put money on Alice's balance."""
    adjust = AdjustBalance(
        request=f"{minor}", by="olga", reason="x", user_id=ALICE.id, amount=Money(minor, "RUB")
    )
    assert shop.do(adjust).done


def test_whoever_renews_by_themselves_and_has_the_money_is_left_alone() -> None:
    shop = Shop()
    buy(shop)
    fund(shop, 50_000)
    shop.do(SetAutoRenewal(shop.update(), ALICE, on=True))
    assert pass_time(shop, NOW + 30 * DAY - HOUR) == []


def test_whoever_renews_by_themselves_without_the_money_is_told_what_is_missing() -> None:
    shop = Shop()
    buy(shop)
    fund(shop, 10_000)
    shop.do(SetAutoRenewal(shop.update(), ALICE, on=True))
    shop.wait(27 * DAY)
    [row] = remind(shop)
    message = decode(row.body)
    assert isinstance(message, messages.EndsSoon)
    assert message.missing == Money(9_900, "RUB")


def test_whoever_cannot_be_reached_is_not_written_to() -> None:
    shop = Shop()
    buy(shop)
    shop.do(MarkUnreachable(shop.update(), ALICE, blocked=True))
    assert pass_time(shop, NOW + 30 * DAY) == []


def test_whoever_was_shut_out_is_not_asked_to_come_back() -> None:
    shop = Shop()
    buy(shop)
    assert shop.do(RevokeAccess(request="r", by="olga", reason="abuse", user_id=ALICE.id)).done
    assert pass_time(shop, NOW + 40 * DAY) == []


def renew(shop: Shop, period: int) -> None:
    shop.do(RenewNow(shop.update(), ALICE, period))


def bought(shop: Shop) -> Subscription:
    """Alice has a month, and the money for another two."""
    buy(shop)
    fund(shop, 50_000)
    return subscription(shop)


@pytest.mark.requirement("R7")
def test_one_tap_renews_from_the_balance_once_for_each_period() -> None:
    shop = Shop()
    before = bought(shop)
    renew(shop, before.periods)
    renew(shop, before.periods)
    assert subscription(shop).expires_at == before.expires_at + 30 * DAY
    assert [type(each) for each in shop.told()[-2:]] == [messages.Renewed, messages.Account]
    renew(shop, subscription(shop).periods)
    assert subscription(shop).expires_at == before.expires_at + 60 * DAY


def test_one_tap_without_the_money_asks_how_to_pay() -> None:
    shop = Shop()
    buy(shop)
    renew(shop, 1)
    assert isinstance(shop.told()[-1], messages.WaysToPay)
    assert subscription(shop).periods == 1


def test_one_tap_brings_back_what_has_ended() -> None:
    shop = Shop()
    before = bought(shop)
    shop.wait(40 * DAY)
    end(shop)
    renew(shop, before.periods)
    assert subscription(shop).expires_at == shop.now + 30 * DAY


@pytest.mark.parametrize("period", [0, 1, 10**17])
def test_one_tap_of_somebody_without_a_plan_shows_the_plans(period: int) -> None:
    shop = Shop()
    renew(shop, period)
    assert isinstance(shop.told()[-1], messages.PlanList)
