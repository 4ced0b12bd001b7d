"""Invitations: nobody invites themselves, no circles, a purchase rewards once, and a refund takes it back (F13)."""

from datetime import timedelta
from pathlib import Path

import pytest

from domain.commands import AskRefund, PayFromBalance, Person, Show, Start
from domain.entities import Provider
from tests.fixtures.postgres import Database
from tests.races.market import Market, open_market, paid, person, returned

#: 10 % of 199 RUB for who invited, 5 % for who was invited, 3 days for who invited the inviter.
_INVITER, _BUYER = 1990, 995

_KEPT = "SELECT count(*) FROM rewards WHERE taken_back_at IS NULL AND payment_id = %s"


async def link_of(market: Market, who: Person) -> str:
    """What a person's invitation link carries."""
    await market.do(Show(await market.update(who), who, "invite"))
    return f"ref_{market.value('SELECT referral_code FROM users WHERE id = %s', who.id)}"


async def follow(market: Market, who: Person, payload: str) -> None:
    """Open the bot by a link."""
    await market.do(Start(await market.update(who), who, payload))


def referrers(market: Market) -> dict[int, int | None]:
    return dict(market.rows("SELECT id, referrer_id FROM users ORDER BY id"))


@pytest.mark.requirement("F13")
async def test_nobody_invites_themselves_and_invitations_make_no_circle(
    database: Database, tmp_path: Path
) -> None:
    first, second, third = (person(n) for n in (1, 2, 3))
    async with open_market(database, tmp_path) as market:
        links = {who.id: await link_of(market, who) for who in (first, second, third)}
        people = [first, second, third] * 3
        targets = [first] * 3 + [second] * 3 + [third] * 3
        updates = await market.updates(people)
        await market.at_once(
            Start(update, who, links[target.id])
            for update, who, target in zip(updates, people, targets, strict=True)
        )
        invited = referrers(market)
        assert invited[first.id] is None, "nobody was here before"
        assert invited[second.id] == first.id
        assert invited[third.id] in (first.id, second.id)


@pytest.mark.requirement("F13")
async def test_who_has_bought_already_cannot_be_invited_any_more(database: Database, tmp_path: Path) -> None:
    inviter, buyer = person(1), person(2)
    async with open_market(database, tmp_path) as market:
        link = await link_of(market, inviter)
        await market.buy(buyer)
        await follow(market, buyer, link)
        await market.buy(buyer)
        assert referrers(market)[buyer.id] is None
        assert market.balance(inviter) == 0


@pytest.mark.requirement("F13")
async def test_a_first_purchase_rewards_once_however_often_and_by_how_many_it_is_reported(
    database: Database, tmp_path: Path
) -> None:
    top, inviter, buyer = (person(n) for n in (1, 2, 3))
    async with open_market(database, tmp_path) as market:
        await chain(market, top, inviter, buyer)
        payment = paid(await market.invoice(buyer), buyer)
        receipts = await market.at_once([payment] * 20)
        assert len(set(receipts)) == 1
    async with open_market(database, tmp_path) as market:  # and once more after a restart
        await market.do(payment)
        assert market.rows("SELECT level, user_id, amount, seconds FROM rewards ORDER BY level") == [
            (0, buyer.id, _BUYER, None),
            (1, inviter.id, _INVITER, None),
            (2, top.id, None, 3 * 86400),
        ]
        assert (market.balance(buyer), market.balance(inviter)) == (_BUYER, _INVITER)
        told = market.rows("SELECT chat_id FROM outbox WHERE kind = 'reward_earned' ORDER BY chat_id")
        assert told == [(who.id,) for who in (top, inviter, buyer)]


@pytest.mark.requirement("F13")
async def test_a_hundred_purchases_at_once_reward_one_inviter_a_hundred_times(
    database: Database, tmp_path: Path
) -> None:
    inviter, crowd = person(1000), [person(n) for n in range(2000, 2100)]
    async with open_market(database, tmp_path) as market:
        link = await link_of(market, inviter)
        updates = await market.updates(crowd)
        await market.at_once(Start(update, who, link) for update, who in zip(updates, crowd, strict=True))
        payments = [paid(await market.invoice(who), who) for who in crowd]
        await market.at_once([*payments, *payments])
        assert market.balance(inviter) == 100 * _INVITER


@pytest.mark.requirement("F13")
async def test_a_refund_takes_the_rewards_back_as_far_as_they_are_there(
    database: Database, tmp_path: Path
) -> None:
    top, inviter, buyer = (person(n) for n in (1, 2, 3))
    async with open_market(database, tmp_path) as market:
        await chain(market, top, inviter, buyer)
        await market.buy(inviter, "top_up:500", Provider.CRYPTOPAY)
        receipt = await market.buy(buyer)
        # the inviter spends some of the reward: of 519.90 there is less than the reward left
        for _ in range(2):
            plan = await market.invoice(inviter, provider=Provider.BALANCE)
            await market.do(PayFromBalance(await market.update(inviter), inviter, plan.purchase_id))
        before = market.balance(inviter)
        market.move(timedelta(days=1))
        refund = returned(market, receipt.payment_id, by="telegram")
        asked = AskRefund(request="1", by="olga", reason="asked for it", payment_id=receipt.payment_id)
        assert (await market.do(asked)).done
        news = await market.at_once([refund] * 10)

        assert set(news) == {True}, "a repeat gets the first answer"
        assert market.balance(buyer) == 0
        assert market.balance(inviter) == before - _INVITER
        assert (
            market.value("SELECT count(*) FROM rewards WHERE taken_back_at IS NULL AND payment_id = %s", 2)
            == 0
        )
        days = market.value(
            "SELECT extract(epoch FROM expires_at - created_at)::int FROM subscriptions WHERE user_id = %s",
            top.id,
        )
        assert days == 86400, "a day was used, two were taken back"


async def chain(market: Market, top: Person, inviter: Person, buyer: Person) -> None:
    """`top` invited `inviter`, who invited `buyer`."""
    await follow(market, inviter, await link_of(market, top))
    await follow(market, buyer, await link_of(market, inviter))
    assert referrers(market)[buyer.id] == inviter.id
