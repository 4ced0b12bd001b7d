"""A market: the real `db_writer` actor on a real PostgreSQL, and any number of people who all act at one moment."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, TypeVar, cast

import psycopg
import trio

from actors.db_writer import DbWriter
from actors.messages import Write
from domain.commands import (
    Command,
    EnterCode,
    FinalizePayment,
    Person,
    PurchaseStarted,
    Receipt,
    Received,
    RecordRefund,
    RecordUpdates,
    StartPurchase,
)
from domain.entities import Provider
from domain.money import Money
from runtime import Actor, Context, System
from storage.invariants import INVARIANTS
from tests.actors.systems import environment, running
from tests.actors.test_db_writer import LISTENERS
from tests.fixtures.postgres import Database

R = TypeVar("R")

Factories = Mapping[str, Callable[..., Actor]]


def person(number: int) -> Person:
    """Somebody; numbers begin where nobody else's do."""
    return Person(5000 + number, f"Person {number}", None, "en")


@dataclass(slots=True)
class Market:
    """People act through the writer; the books are read as the database's owner."""

    system: System
    database: Database
    move: Callable[[timedelta], None]
    _updates: Any = field(default_factory=lambda: count(1))

    async def do(self, command: Command[R]) -> R:
        """Have one command carried out."""
        return cast("R", await self.system.ref("db_writer").call(Write(command)))

    async def at_once(self, commands: Iterable[Command[R]]) -> list[R]:
        """Have all carried out at the same moment, each asked for by a task of its own; their answers, in order."""
        replies: dict[int, R] = {}

        async def ask(number: int, command: Command[R]) -> None:
            replies[number] = await self.do(command)

        async with trio.open_nursery() as nursery:
            for number, command in enumerate(commands):
                nursery.start_soon(ask, number, command)
        return [replies[number] for number in sorted(replies)]

    async def update(self, who: Person) -> int:
        """A fresh update in the inbox."""
        [number] = await self.updates([who])
        return number

    async def updates(self, people: Iterable[Person]) -> list[int]:
        """A fresh update of each person, in the inbox."""
        new = tuple(Received(next(self._updates), who.id, "{}") for who in people)
        await self.do(RecordUpdates(new))
        return [update.update_id for update in new]

    async def enter(self, who: Person, code: str) -> None:
        """Enter a code."""
        await self.do(EnterCode(await self.update(who), who, code))

    async def invoice(
        self, who: Person, item: str = "plan:month", provider: Provider = Provider.STARS
    ) -> PurchaseStarted:
        """An invoice that must be made."""
        started = await self.do(StartPurchase(await self.update(who), who, item, provider))
        assert started is not None, "it is for sale"
        return started

    async def buy(
        self, who: Person, item: str = "plan:month", provider: Provider = Provider.STARS
    ) -> Receipt:
        """An invoice, and its payment."""
        return await self.do(paid(await self.invoice(who, item, provider), who, provider))

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What a query gives."""
        with psycopg.connect(self.database.owner, autocommit=True) as owner:
            return owner.execute(query.encode(), values or None).fetchall()

    def value(self, query: str, *values: object) -> Any:
        """The one value that a query gives."""
        [[value]] = self.rows(query, *values)
        return value

    def balance(self, who: Person) -> int:
        """What a person has on their balance, in minor units."""
        query = "SELECT coalesce(sum(credits - debits), 0)::bigint FROM accounts WHERE kind = 'balance' AND owner = %s"
        return int(self.value(query, who.id))

    def told(self, who: Person) -> list[str]:
        """The kinds of the messages to a person, in order."""
        return [
            kind for (kind,) in self.rows("SELECT kind FROM outbox WHERE chat_id = %s ORDER BY id", who.id)
        ]


def paid(started: PurchaseStarted, who: Person, provider: Provider = Provider.STARS) -> FinalizePayment:
    """The provider says that an invoice was paid as asked."""
    return FinalizePayment(
        provider=provider,
        charge_id=f"charge-{started.purchase_id}",
        amount=started.price,
        purchase_id=started.purchase_id,
        payer=who.id,
    )


def returned(market: Market, payment_id: int, *, by: str, update_id: int | None = None) -> RecordRefund:
    """A provider, or whoever did it by hand, says that a payment went back."""
    [(provider, charge, amount, currency, purchase, payer)] = market.rows(
        "SELECT provider, charge_id, amount, amount_currency, purchase_id, user_id FROM payments WHERE id = %s",
        payment_id,
    )
    return RecordRefund(
        provider=Provider(provider),
        charge_id=charge,
        amount=Money(amount, currency),
        purchase_id=purchase,
        payer=payer,
        by=by,
        update_id=update_id,
    )


@asynccontextmanager
async def open_market(
    database: Database, folder: Path, actors: Factories | None = None
) -> AsyncIterator[Market]:
    """Open the market, with more actors beside the writer if they are given; in the end its books must be in order."""
    async with environment(database, folder) as surroundings:
        factories: dict[str, Callable[[Context], Actor]] = {
            "db_writer": partial(DbWriter, environment=surroundings)
        }
        for name, factory in (actors or {}).items():
            factories[name] = partial(factory, environment=surroundings)
        async with running(factories, LISTENERS) as here:
            yield Market(here.system, database, here.clock.move)
    assert flaws(database) == []


def flaws(database: Database) -> list[str]:
    """What an audit of the books finds."""
    with psycopg.connect(database.owner, autocommit=True) as owner:
        return [
            f"{requirement}: {row[0]}"
            for requirement, _, query in INVARIANTS
            for row in owner.execute(query, ()).fetchall()
        ]
