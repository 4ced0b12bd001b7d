"""The sweep: what a provider has and we have not is found without a hint, page by page, and nothing holds it up."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from actors import payment_sweep, providers
from domain.entities import Provider
from domain.money import Money
from integrations.cryptopay.client import open_cryptopay
from integrations.cryptopay.sandbox import SANDBOX_CRYPTOPAY_TOKEN
from integrations.provider import Charge, PaymentProvider, Refund, Swept, TryLater
from tests.actors.access import until
from tests.actors.hearing import Paid, hear
from tests.actors.test_checkout import order, pay
from tests.actors.town import Town, open_town
from tests.fixtures.postgres import Database
from tests.storage.test_writer import owner_of

#: What the ways of hearing need to know of a payment where only a tick is wanted.
_NOBODY = Paid(0, "")


def recorded(database: Database) -> list[tuple[Any, ...]]:
    """The charges of payments, with the state of their refund."""
    with owner_of(database) as owner:
        return owner.execute(
            "SELECT charge_id, outcome, state FROM payments LEFT JOIN refunds ON payment_id = payments.id "
            "ORDER BY payments.id"
        ).fetchall()


async def test_a_payment_that_the_shop_was_never_told_of_is_found_when_it_starts(
    database: Database, tmp_path: Path
) -> None:
    async with open_town(database, tmp_path) as town:
        message_id = await order(town, "Stars ·")
        await town.telegram.post("/sandbox/withhold", json={"count": 1})
        charge = (await pay(town, message_id=message_id))["charge_id"]
        await town.settle(database)
        assert recorded(database) == []
    async with open_town(database, tmp_path) as town:
        await town.person().read("Paid: 1 month")
        assert recorded(database) == [(charge, "accepted", None)]


async def test_what_was_paid_and_given_back_unheard_of_is_both_in_the_books(
    database: Database, tmp_path: Path
) -> None:
    async with open_town(database, tmp_path) as town:
        message_id = await order(town, "Stars ·")
        await town.telegram.post("/sandbox/withhold", json={"count": 2})
        charge = (await pay(town, message_id=message_id))["charge_id"]
        await town.telegram.post("/sandbox/refund", json={"charge_id": charge})
        await hear(town, "sweep", _NOBODY)
        await town.settle(database)
        assert recorded(database) == [(charge, "accepted", "done")]


@dataclass
class Listed(PaymentProvider):
    """A provider whose list is written down here, in pages; a point is the number of a page."""

    pages: list[tuple[Charge | Refund, ...]]
    name = Provider.CRYPTOPAY
    away: bool = False
    asked: list[str] = field(default_factory=list)

    async def sweep(self, point: str, count: int) -> Swept:
        self.asked.append(point)
        if self.away:
            raise TryLater("it is away")
        number = int(point or 0)
        found = self.pages[number] if number < len(self.pages) else ()
        last = number >= len(self.pages) - 1
        return Swept(found, str(min(number + 1, len(self.pages))), more=not last)


def charge(name: str) -> Charge:
    """A payment for nothing of ours, so that recording it is all that is done."""
    return Charge(charge_id=name, amount=Money(100, "RUB"), payload=None, payer=None, paid_at=None)


@asynccontextmanager
async def listing(
    database: Database, folder: Path, monkeypatch: pytest.MonkeyPatch, listed: Listed
) -> AsyncIterator[Town]:
    """A town in which this provider stands for Crypto Pay; it was swept once, at the start."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[PaymentProvider]:
        yield listed

    monkeypatch.setitem(providers.PROVIDERS, Provider.CRYPTOPAY, lambda _: opened())
    async with open_town(database, folder) as town:
        await hear(town, "sweep", _NOBODY)
        yield town


async def test_a_sweep_goes_on_from_where_the_last_one_ended(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = Listed([(charge("a"),), (charge("b"),)])
    async with listing(database, tmp_path, monkeypatch, listed) as town:
        listed.pages.append((charge("c"),))
        listed.asked.clear()
        await hear(town, "sweep", _NOBODY)
        assert listed.asked == ["2"]
        assert [row[0] for row in recorded(database)] == ["a", "b", "c"]


@pytest.mark.requirement("W12")
async def test_what_cannot_be_recorded_holds_up_nothing_and_is_tried_again(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payment_sweep.PaymentSweep, "period", 0.1)
    refuse(database, "b")
    hopeless = charge("no text of a database holds \0")
    listed = Listed([(charge("a"),), (charge("b"), hopeless, charge("c")), (charge("d"),)])
    async with listing(database, tmp_path, monkeypatch, listed) as town:
        assert [row[0] for row in recorded(database)] == ["a", "c", "d"]
        with owner_of(database) as owner:
            owner.execute(b"DROP TRIGGER poison ON payments")
        await until(database, "EXISTS (SELECT FROM payments WHERE charge_id = 'b')")
        listed.pages.append((charge("e"),))
        await hear(town, "sweep", _NOBODY)
        assert [row[0] for row in recorded(database)] == ["a", "c", "d", "b", "e"]


def refuse(database: Database, charge_id: str) -> None:
    """From now on the database does not take this charge."""
    with owner_of(database) as owner:
        owner.execute(
            b"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'poisoned'; END $$"
        )
        owner.execute(
            f"CREATE TRIGGER poison BEFORE INSERT ON payments FOR EACH ROW WHEN (NEW.charge_id = '{charge_id}') "
            "EXECUTE FUNCTION refuse()".encode()
        )


async def test_what_cannot_be_recorded_hides_nothing_newer_where_the_newest_comes_first(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(payment_sweep, "_PAGE", 1)
    refuse(database, "1")
    async with open_town(database, tmp_path, webhook=False) as town:
        for number in (1, 2):
            await pay_unheard_of(town, number)
        await hear(town, "sweep", _NOBODY)
        assert [row[0] for row in recorded(database)] == ["2"]
        await pay_unheard_of(town, 3)
        await hear(town, "sweep", _NOBODY)
        assert [row[0] for row in recorded(database)] == ["2", "3"]


async def pay_unheard_of(town: Town, number: int) -> None:
    """An invoice of Crypto Pay whose making was never answered is paid."""
    base = str(town.cryptopay.base_url)
    async with open_cryptopay(SANDBOX_CRYPTOPAY_TOKEN, api_base=base) as cryptopay:
        made = await cryptopay.create_invoice(Money(100, "RUB"), description="", payload="x", expires_in=3600)
    assert made.invoice_id == number
    await town.pay_crypto(made.pay_url)


async def test_a_provider_that_is_away_is_asked_again_and_holds_up_no_other(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = Listed([(charge("a"),)], away=True)
    async with listing(database, tmp_path, monkeypatch, listed) as town:
        message_id = await order(town, "Stars ·")
        await town.telegram.post("/sandbox/withhold", json={"count": 1})
        paid = (await pay(town, message_id=message_id))["charge_id"]
        await hear(town, "sweep", _NOBODY)
        assert [row[0] for row in recorded(database)] == [paid]
        listed.away = False
        await hear(town, "sweep", _NOBODY)
        assert [row[0] for row in recorded(database)] == [paid, "a"]
