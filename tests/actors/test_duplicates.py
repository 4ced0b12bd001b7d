"""Whatever a payment is heard of by, however often, in whatever order, together, and across crashes: it is one.

The matrix: each provider, by each way in which a payment of it becomes known, delivered once, twice (every pair of
ways) and five times (orders drawn by a seed), one after another and all at once, while the writer lives and while it is
killed, and all of it once more after a restart of everything. Many people buy at the same time; each is a cell.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final, Literal

import pytest
import trio

from actors import providers
from actors.environment import Environment
from actors.providers import Opened
from domain.entities import Provider
from tests.actors.hearing import Paid, hear
from tests.actors.town import Town, open_town
from tests.e2e.sandbox import Person
from tests.fixtures.postgres import Database
from tests.integrations.aiosend_provider import open_aiosend
from tests.storage.test_writer import owner_of

#: aiosend makes a TLS context for every request, in a way that aiohttp is about to give up.
pytestmark = pytest.mark.filterwarnings("ignore:ssl_context is deprecated:DeprecationWarning")

_DELIVERIES: Final = (1, 2, 5)
_FIVES: Final = 4


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the matrix: a provider's button, and the ways in which its payments become known."""

    button: str
    ways: tuple[str, ...]
    updates: Literal["polling", "webhook"] = "polling"
    sdk: bool = False


ROWS: Final = {
    "stars": Row("Stars ·", ("update", "another update", "sweep")),
    "stars, updates by webhook": Row("Stars ·", ("update", "another update", "sweep"), "webhook"),
    "cards": Row("Card", ("update", "another update")),
    "cryptopay": Row("Crypto Pay", ("webhook", "poll", "sweep")),
    "cryptopay by an asyncio SDK": Row("Crypto Pay", ("poll", "sweep"), sdk=True),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """What one person buys, and how their payment is heard of; `crashes`: while the writer is killed."""

    item: Literal["plan", "top_up"]
    ways: tuple[str, ...]
    at_once: bool
    crashes: bool


def cells(row: Row, chance: random.Random, campaign: int) -> list[Cell]:
    """The cells of a row: every order of one and of two deliveries, and some of five."""
    orders: list[tuple[str, ...]] = []
    for deliveries in _DELIVERIES:
        every = list(product(row.ways, repeat=deliveries))
        orders += every if deliveries < 5 else chance.sample(every, min(_FIVES * campaign, len(every)))
    kinds = list(product(("plan", "top_up"), (False, True), (False, True)))
    chance.shuffle(kinds)
    return [
        Cell(item, order, at_once, crashes)  # type: ignore[arg-type]
        for number, order in enumerate(orders)
        for item, at_once, crashes in [kinds[number % len(kinds)]]
    ]


@pytest.mark.requirement("F5", "R8")
@pytest.mark.parametrize("name", ROWS)
async def test_a_payment_is_one_payment_one_thing_given_and_one_message(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, campaign: int, name: str
) -> None:
    row = ROWS[name]
    if row.sdk:
        monkeypatch.setitem(providers.PROVIDERS, Provider.CRYPTOPAY, _by_sdk)
    matrix = cells(row, random.Random(name), campaign)
    async with open_town(database, tmp_path, webhook=False, updates=row.updates) as town:
        paid = await buy_all(town, matrix, row)
        everything = list(zip(matrix, paid, strict=True))
        await hear_all(town, [pair for pair in everything if not pair[0].crashes])
        await town.settle(database)
        await hear_all(town, [pair for pair in everything if pair[0].crashes], killing=True)
        await judge(town, database, everything)
    async with open_town(database, tmp_path, webhook=False, updates=row.updates) as town:
        await hear_all(town, everything)
        await judge(town, database, everything)


def _by_sdk(environment: Environment) -> Opened | None:
    """The one line by which another provider takes the place of Crypto Pay's own client."""
    settings, token = environment.configuration.settings.cryptopay, environment.secrets.cryptopay_token
    assert settings is not None
    assert token is not None
    return open_aiosend(token, settings.api)


async def buy_all(town: Town, matrix: Sequence[Cell], row: Row) -> list[Paid]:
    """Everybody buys and pays at the same time; nobody tells the shop."""
    await town.telegram.post("/sandbox/withhold", json={"count": len(matrix)})
    paid: list[Paid | None] = [None] * len(matrix)

    async def buy(number: int, cell: Cell) -> None:
        made = await town.telegram.post("/sandbox/people", json={})
        person = town.person(made.json()["id"])
        await person.say("/plans" if cell.item == "plan" else "/balance")
        await person.press("1 month" if cell.item == "plan" else "500 ₽")
        await person.press(row.button)
        paid[number] = await (_pay_crypto if row.button == "Crypto Pay" else _pay_in_telegram)(town, person)

    async with trio.open_nursery() as nursery:
        for number, cell in enumerate(matrix):
            nursery.start_soon(buy, number, cell)
    return [each for each in paid if each is not None]


async def _pay_in_telegram(_: Town, person: Person) -> Paid:
    outcome = await person.pay_invoice()
    assert outcome["paid"], outcome
    return Paid(person.id, outcome["charge_id"])


async def _pay_crypto(town: Town, person: Person) -> Paid:
    url = await person.press("Pay ")
    assert url is not None
    await town.pay_crypto(url)
    invoice = (await town.cryptopay.get(f"/sandbox/invoices/{url.rpartition('/')[2]}")).json()
    return Paid(person.id, str(invoice["invoice_id"]), url)


async def hear_all(town: Town, pairs: Sequence[tuple[Cell, Paid]], *, killing: bool = False) -> None:
    """Have every payment heard of, all cells side by side; the writer is killed twice on the way if so said."""
    deliveries = sum(len(cell.ways) for cell, _ in pairs)
    fatal = {deliveries // 4, deliveries // 2} if killing else set()
    begun = iter(range(deliveries))

    async def deliver(way: str, paid: Paid) -> None:
        if next(begun) in fatal:
            town.kill("db_writer")
        await hear(town, way, paid, again=killing)

    async def fill(cell: Cell, paid: Paid) -> None:
        if not cell.at_once:
            for way in cell.ways:
                await deliver(way, paid)
            return
        async with trio.open_nursery() as nursery:
            for way in cell.ways:
                nursery.start_soon(deliver, way, paid)

    async with trio.open_nursery() as nursery:
        for cell, paid in pairs:
            nursery.start_soon(fill, cell, paid)


async def judge(town: Town, database: Database, pairs: Sequence[tuple[Cell, Paid]]) -> None:
    """Each charge is one payment with one transfer, one thing given, one message; and that is what the person saw."""
    await town.settle(database)
    with owner_of(database) as owner:
        for cell, paid in pairs:
            row = owner.execute(_OF_A_CHARGE, {"charge": paid.charge, "person": paid.person}).fetchone()
            months, balance = (1, 0) if cell.item == "plan" else (0, 50_000)
            assert row == (1, "accepted", 1, 1, "sent", months, balance), (cell, paid, row)
    for cell, paid in pairs:
        person = town.person(paid.person)
        await person.look()
        seen = person.count("Paid: 1 month" if cell.item == "plan" else "500 ₽ added")
        assert seen == 1, (cell, paid, seen)


_OF_A_CHARGE: Final = """
    SELECT (SELECT count(*) FROM payments WHERE charge_id = %(charge)s), outcome,
        (SELECT count(*) FROM transfers WHERE cause = 'payment' AND cause_id = payments.id),
        (SELECT count(*) FROM outbox WHERE key = 'payment:' || payments.id),
        (SELECT min(state) FROM outbox WHERE key = 'payment:' || payments.id),
        (SELECT count(*) FROM periods WHERE cause = 'payment' AND cause_id = payments.id),
        (SELECT coalesce(sum(credits - debits), 0)::bigint FROM accounts
            WHERE kind = 'balance' AND owner = %(person)s)
    FROM payments WHERE charge_id = %(charge)s
"""
