"""Stars that are charged every month: each charge is a period of its own, by whatever it is heard of (F5)."""

import random
from pathlib import Path
from typing import Any

import pytest
import trio

from actors.messages import Write
from domain.commands import AskRefund
from integrations.telegram.payments import MONTH_SECONDS
from runtime import Tick
from tests.actors.hearing import Paid, hear
from tests.actors.town import Town, open_town
from tests.fixtures.botapi_spec import BotApiSpec
from tests.fixtures.postgres import Database
from tests.storage.test_writer import owner_of


async def subscribe(town: Town) -> Paid:
    """Alice agrees to pay for a month every month."""
    alice = town.person()
    await alice.say("/plans")
    await alice.press("1 month")
    await alice.press("Every month")
    link = await alice.press("Pay ")
    answer = await town.telegram.post(f"/sandbox/people/{alice.id}/pay", json={"link": link}, timeout=20)
    assert answer.json()["paid"], answer.text
    return Paid(alice.id, answer.json()["charge_id"])


def periods(database: Database) -> list[tuple[Any, ...]]:
    """Each payment with what came of it: outcome, the kind of its purchase, seconds of time, messages."""
    with owner_of(database) as owner:
        return owner.execute(
            """SELECT pay.outcome, purchases.kind, purchases.status,
                (SELECT sum(seconds)::bigint FROM periods WHERE cause = 'payment' AND cause_id = pay.id),
                (SELECT count(*) FROM outbox WHERE key = 'payment:' || pay.id)
            FROM payments pay JOIN purchases ON purchases.id = pay.purchase_id ORDER BY pay.id"""
        ).fetchall()


_FIRST = ("accepted", "plan", "paid", MONTH_SECONDS, 1)
_LATER = ("accepted", "renewal", "paid", MONTH_SECONDS, 1)


async def test_every_month_that_passes_extends_the_subscription(database: Database, tmp_path: Path) -> None:
    async with open_town(database, tmp_path) as town:
        await subscribe(town)
        await town.person().read("Paid: 1 month")
        await town.telegram.post("/sandbox/advance", json={"seconds": 2 * MONTH_SECONDS})
        await town.settle(database)
        assert periods(database) == [_FIRST, _LATER, _LATER]


@pytest.mark.requirement("F5", "R8")
@pytest.mark.parametrize("seed", range(3))
async def test_charges_of_a_subscription_count_once_each_in_whatever_order_they_are_heard_of(
    database: Database, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    async with open_town(database, tmp_path) as town:
        await town.telegram.post("/sandbox/withhold", json={"count": 3})
        first = await subscribe(town)
        await town.telegram.post("/sandbox/advance", json={"seconds": 2 * MONTH_SECONDS})
        listed = (await town.telegram.get("/sandbox/transactions")).json()["transactions"]
        charges = [Paid(first.person, each["id"]) for each in listed]
        assert len(charges) == 3
        told = [(way, charge) for charge in charges for way in ("update", "another update", "sweep")]
        chance.shuffle(told)
        async with trio.open_nursery() as nursery:
            for way, charge in told:
                nursery.start_soon(hear, town, way, charge)
        await town.settle(database)
        assert sorted(periods(database)) == sorted([_FIRST, _LATER, _LATER])
    async with open_town(database, tmp_path) as town:
        for way, charge in told:
            await hear(town, way, charge)
        await town.settle(database)
        assert sorted(periods(database)) == sorted([_FIRST, _LATER, _LATER])


async def test_cards_monthly_stars_and_their_refund_keep_to_the_bot_api(
    database: Database, tmp_path: Path, botapi_spec: BotApiSpec
) -> None:
    async with open_town(database, tmp_path, observer=botapi_spec) as town:
        await subscribe(town)
        await town.person().read("Paid: 1 month")
        bob = town.person(1002)
        await bob.say("/balance")
        await bob.press("500 ₽")
        await bob.press("Card")
        assert (await bob.pay_invoice())["paid"]
        await bob.read("500 ₽ added")
        asked = AskRefund(request="one", by="ops", reason="as a courtesy", payment_id=1)
        await town.system.ref("db_writer").call(Write(asked))
        town.system.ref("refunds").cast(Tick())
        await town.person().read("was sent back")
    assert botapi_spec.violations == []
    assert {"createInvoiceLink", "editUserStarSubscription", "refundStarPayment", "getStarTransactions"} <= (
        botapi_spec.methods_seen
    )
