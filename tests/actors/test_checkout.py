"""Telegram asks whether a charge may be made: answered in time from what the invoice says, and never a guess."""

from pathlib import Path
from typing import Any

import psycopg
import pytest
import trio

from actors.messages import Write
from domain.commands import AskRefund
from integrations.telegram.sandbox import SANDBOX_PROVIDER_TOKEN, SANDBOX_TOKEN
from integrations.telegram.sandbox.payments import PRE_CHECKOUT_SECONDS
from runtime import Tick
from tests.actors.town import Town, open_town
from tests.fixtures.postgres import Database
from tests.storage.test_writer import owner_of


async def order(town: Town, button: str) -> int:
    """Alice orders a month and does not pay yet; the message of her invoice."""
    alice = town.person()
    await alice.say("/plans")
    await alice.press("1 month")
    await alice.press(button)
    message, _ = await alice.wait_for(lambda each: (each.get("invoice") or {}).get("title"), "an invoice")
    return int(message["message_id"])


async def pay(town: Town, **invoice: object) -> dict[str, Any]:
    """Alice presses Pay; what she is told."""
    answer = await town.telegram.post("/sandbox/people/1001/pay", json=invoice, timeout=30)
    assert answer.is_success, answer.text
    outcome: dict[str, Any] = answer.json()
    return outcome


async def foreign_link(town: Town, **changes: object) -> str:
    """An invoice of the bot that the shop did not make, or did not make so."""
    price = {"currency": "XTR", "prices": [{"label": "x", "amount": 150}]}
    invoice = {"title": "x", "description": "x", "payload": "purchase:1:1001", **price, **changes}
    answer = await town.telegram.post(f"/bot{SANDBOX_TOKEN}/createInvoiceLink", json=invoice)
    return str(answer.json()["result"])


@pytest.mark.parametrize("button", ["Stars ·", "Card"])
async def test_an_invoice_as_it_was_made_is_approved_and_its_second_payment_is_not(
    database: Database, tmp_path: Path, button: str
) -> None:
    async with open_town(database, tmp_path) as town:
        message_id = await order(town, button)
        assert (await pay(town, message_id=message_id))["paid"]
        await town.settle(database)
        again = await pay(town, message_id=message_id)
        assert (again["paid"], again["reason"][:28]) == (False, "This invoice is paid already")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"payload": "purchase:999:1001"}, "do not know this invoice"),
        ({"payload": "nonsense"}, "do not know this invoice"),
        ({"prices": [{"label": "x", "amount": 1}]}, "not what we asked"),
        (
            {
                "currency": "RUB",
                "provider_token": SANDBOX_PROVIDER_TOKEN,
                "prices": [{"label": "x", "amount": 15000}],
            },
            "do not know this invoice",
        ),
    ],
)
async def test_an_invoice_that_is_not_as_we_made_it_is_refused_and_nothing_is_charged(
    database: Database, tmp_path: Path, changes: dict[str, object], reason: str
) -> None:
    async with open_town(database, tmp_path) as town:
        await order(town, "Stars ·")
        outcome = await pay(town, link=await foreign_link(town, **changes))
        assert outcome["paid"] is False
        assert reason in outcome["reason"]
        with owner_of(database) as owner:
            assert owner.execute("SELECT count(*) FROM payments").fetchone() == (0,)


async def test_an_invoice_whose_time_is_over_is_refused(database: Database, tmp_path: Path) -> None:
    async with open_town(database, tmp_path) as town:
        message_id = await order(town, "Stars ·")
        with owner_of(database) as owner:
            owner.execute("UPDATE purchases SET valid_until = created_at - interval '1 second'")
        outcome = await pay(town, message_id=message_id)
        assert (outcome["paid"], outcome["reason"][:23]) == (False, "This invoice is too old")


async def test_a_database_that_does_not_answer_is_a_no_in_time(database: Database, tmp_path: Path) -> None:
    async with open_town(database, tmp_path) as town:
        message_id = await order(town, "Stars ·")
        await town.settle(database)
        with psycopg.connect(database.owner) as owner:
            owner.execute("LOCK TABLE purchases IN ACCESS EXCLUSIVE MODE")
            began = trio.current_time()
            outcome = await pay(town, message_id=message_id)
            assert trio.current_time() - began < PRE_CHECKOUT_SECONDS
        assert outcome["paid"] is False
        assert "records do not answer" in outcome["reason"]
        assert (await pay(town, message_id=message_id))["paid"]


async def test_what_was_refunded_cannot_be_paid_again(database: Database, tmp_path: Path) -> None:
    async with open_town(database, tmp_path) as town:
        message_id = await order(town, "Stars ·")
        assert (await pay(town, message_id=message_id))["paid"]
        await town.settle(database)
        asked = AskRefund(request="one", by="ops", reason="as a courtesy", payment_id=1)
        await town.system.ref("db_writer").call(Write(asked))
        town.system.ref("refunds").cast(Tick())
        await town.person().read("was sent back")
        assert (await pay(town, message_id=message_id))["paid"] is False
