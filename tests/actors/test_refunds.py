"""Money that goes back, by an operator or by Telegram itself, heard of by update or sweep: it goes back once (F11)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest
import trio

from actors.messages import Write
from domain.commands import AskRefund
from integrations.telegram.payments import MONTH_SECONDS
from runtime import Tick
from tests.actors.hearing import Paid, hear
from tests.actors.test_monthly import subscribe
from tests.actors.town import Town, open_town
from tests.e2e.sandbox import Person
from tests.fixtures.postgres import Database
from tests.storage.test_writer import owner_of

_STATE: Final = """
    SELECT (SELECT count(*) FROM payments), (SELECT string_agg(status, ',' ORDER BY id) FROM purchases),
        (SELECT string_agg(state, ',' ORDER BY payment_id) FROM refunds),
        (SELECT coalesce(sum(seconds) / 3600, 0)::bigint FROM periods),
        (SELECT count(*) FROM outbox WHERE kind = 'refunded'),
        (SELECT coalesce(sum(credits - debits), 0)::bigint FROM accounts WHERE kind LIKE '%%clearing')
"""
#: One payment that went back: what it gave is taken back, who paid is told once, and no Star is left.
_BACK: Final = (1, "refunded", "done", 0, 1, 0)


def state(database: Database) -> tuple[Any, ...]:
    """Payments, purchases, refunds, whole hours that were given, messages about refunds, money at providers."""
    with owner_of(database) as owner:
        row = owner.execute(_STATE).fetchone()
    assert row is not None
    return row


async def buy(town: Town, button: str = "Stars ·") -> Paid:
    """Alice buys a month."""
    alice = town.person()
    await alice.say("/plans")
    await alice.press("1 month")
    await alice.press(button)
    outcome = await alice.pay_invoice()
    await alice.read("Paid: 1 month")
    return Paid(alice.id, outcome["charge_id"])


async def ask(town: Town, payment: int = 1) -> None:
    """An operator wants a payment sent back; the worker looks at once."""
    command = AskRefund(request="one", by="ops", reason="as a courtesy", payment_id=payment)
    assert (await town.system.ref("db_writer").call(Write(command))).done
    town.system.ref("refunds").cast(Tick())


async def stars_of(town: Town, person: Person) -> int:
    people = (await town.telegram.get("/sandbox/people")).json()["people"]
    return next(int(each["stars"]) for each in people if each["id"] == person.id)


@pytest.mark.requirement("F11")
async def test_an_operators_refund_is_carried_out_by_telegram_and_taken_back_once(
    database: Database, tmp_path: Path
) -> None:
    async with open_town(database, tmp_path) as town:
        paid = await buy(town)
        await ask(town)
        await town.person().read("was sent back")
        await hear(town, "sweep", paid)
        await town.settle(database)
        assert state(database) == _BACK
        assert await stars_of(town, town.person()) == 1000
    async with open_town(database, tmp_path) as town:
        await hear(town, "sweep", paid)
        await town.settle(database)
        assert state(database) == _BACK


@pytest.mark.requirement("F11")
@pytest.mark.parametrize(
    "ways", [["refund's update"], ["sweep"], ["sweep", "refund's update", "sweep"]], ids="-".join
)
async def test_what_telegram_gives_back_by_itself_is_taken_back_once_whoever_tells(
    database: Database, tmp_path: Path, ways: Sequence[str]
) -> None:
    async with open_town(database, tmp_path) as town:
        paid = await buy(town)
        await town.telegram.post("/sandbox/withhold", json={"count": 1})
        await town.telegram.post("/sandbox/refund", json={"charge_id": paid.charge})
        async with trio.open_nursery() as nursery:
            for way in ways:
                nursery.start_soon(hear, town, way, paid)
        await town.settle(database)
        assert state(database) == _BACK
        for way in ways:
            await hear(town, way, paid)
        await town.settle(database)
        assert state(database) == _BACK


async def test_a_refund_that_telegram_cannot_do_now_is_done_when_it_can(
    database: Database, tmp_path: Path
) -> None:
    async with open_town(database, tmp_path) as town:
        await buy(town)
        fault = {"method": "refundStarPayment", "kind": "500"}
        await town.telegram.post("/sandbox/faults", json=fault)
        await ask(town)
        await hear(town, "refunds", Paid(1001, ""))
        assert state(database)[2] == "asked"
        await hear(town, "refunds", Paid(1001, ""))
        await town.settle(database)
        assert state(database) == _BACK


async def test_a_refund_whose_answer_was_lost_is_not_done_twice(database: Database, tmp_path: Path) -> None:
    async with open_town(database, tmp_path) as town:
        await buy(town)
        fault = {"method": "refundStarPayment", "kind": "drop"}
        await town.telegram.post("/sandbox/faults", json=fault)
        await ask(town)
        await town.person().read("was sent back")  # Telegram's own notice was enough
        await hear(town, "refunds", Paid(1001, ""))
        await town.settle(database)
        assert state(database) == _BACK
        assert await stars_of(town, town.person()) == 1000


async def test_a_card_is_refused_with_what_to_do_and_a_return_by_hand_is_recorded(
    database: Database, tmp_path: Path
) -> None:
    async with open_town(database, tmp_path) as town:
        await buy(town, "Card")
        await ask(town)
        await hear(town, "refunds", Paid(1001, ""))
        with owner_of(database) as owner:
            [(refused, error)] = owner.execute("SELECT state, error FROM refunds").fetchall()
        assert refused == "refused"
        assert "by hand" in str(error)
        assert state(database)[1] == "paid"


async def test_what_is_paid_every_month_is_stopped_before_it_goes_back(
    database: Database, tmp_path: Path
) -> None:
    async with open_town(database, tmp_path) as town:
        await subscribe(town)
        await town.person().read("Paid: 1 month")
        await ask(town)
        await town.person().read("was sent back")
        await town.telegram.post("/sandbox/advance", json={"seconds": MONTH_SECONDS})
        await town.settle(database)
        assert state(database) == _BACK
        assert await stars_of(town, town.person()) == 1000
