"""Random commands in random batches: the rows in PostgreSQL are those that the domain decides one by one in memory.

What this holds together: prefetch reads all that a decision needs, layers and net changes lose nothing, batches do
not change what is decided, and the database's own sums and first messages are those of the domain.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from psycopg.sql import SQL, Identifier

from domain.commands import (
    AttachInvoice,
    Command,
    Confirmation,
    ConfirmProvisions,
    ExpireSubscriptions,
    FinalizePayment,
    FinishUpdate,
    MarkUnreachable,
    PayFromBalance,
    Person,
    PutAside,
    Received,
    RecordUpdates,
    ReportUnavailable,
    SettleMessage,
    Show,
    StartPurchase,
)
from domain.entities import MessageState, Provider, Purchase
from domain.money import Money
from storage import tables
from storage.tables import Table
from storage.writer import Answered
from tests.domain.memory import Shop
from tests.fixtures.postgres import Database
from tests.storage.shop import Desk, open_desk

PEOPLE = {n: Person(n, f"<{n}> & \"co'", None if n % 2 else f"p{n}", "en") for n in range(1001, 1005)}
TABLES: list[Table[Any]] = [
    tables.USERS,
    tables.ACCOUNTS,
    tables.TRANSFERS,
    tables.PURCHASES,
    tables.PAYMENTS,
    tables.SUBSCRIPTIONS,
    tables.GRANTS,
    tables.PROVISIONS,
    tables.OUTBOX,
    tables.UPDATES,
    tables.ANSWERS,
]


class Crowd:
    """People, providers, nodes and Telegram, who do something at random; update ids come again on purpose."""

    def __init__(self, random: Random, shop: Shop) -> None:
        self._random = random
        self._shop = shop
        self._updates = 1

    def act(self, committed: set[int]) -> Command[Any]:
        """Some command. Nodes and workers know only the subscriptions that are `committed`."""
        self._updates += 1
        acts: list[Callable[[int, Person], Command[Any]]] = [
            self._start,
            self._record,
            self._ask,
            self._small,
        ]
        if self._purchases():
            acts += [self._provider_says_paid] * 3 + [self._pay_from_balance, self._invoice]
        if committed:
            acts += [lambda *_: self._confirm(committed), lambda *_: self._expire(committed)]
        update, person = self._random.randint(1, self._updates), self._random.choice(list(PEOPLE.values()))
        return self._random.choice(acts)(update, person)

    def _purchases(self) -> list[Purchase]:
        return list(self._shop.rows.purchases.changed.values())

    def _start(self, update: int, person: Person) -> Command[Any]:
        item = self._random.choice(["plan:month", "top_up:500", "plan:gone"])
        return StartPurchase(update, person, item, self._random.choice(list(Provider)))

    def _record(self, _: int, person: Person) -> Command[Any]:
        ids = [self._random.randint(1, 2 * self._updates) for _ in range(3)]
        return RecordUpdates(tuple(Received(each, person.id, '{"x": 1}') for each in ids))

    def _ask(self, update: int, person: Person) -> Command[Any]:
        return Show(
            update, person, self._random.choice(["home", "account", "top_ups", "pay:plan:month", "?"])
        )

    def _small(self, update: int, person: Person) -> Command[Any]:
        outbox = self._random.choice([1, *self._shop.rows.outbox.changed])
        settle = SettleMessage(
            outbox_id=outbox,
            state=self._random.choice(list(MessageState)),
            not_before=self._shop.now,
            unreachable=self._random.random() < 0.2,
        )
        blocked = MarkUnreachable(update, person, self._random.random() < 0.5)
        return self._random.choice([settle, blocked, PutAside(update, "Boom"), FinishUpdate(update)])

    def _provider_says_paid(self, update: int, person: Person) -> Command[Any]:
        purchase = self._random.choice(self._purchases())
        off_by = self._random.choice([0, 0, 0, 0, -1, 1])
        return FinalizePayment(
            provider=Provider.STARS if purchase.provider is Provider.BALANCE else purchase.provider,
            charge_id=f"{purchase.id}-{self._random.randint(1, 2)}",
            amount=Money(purchase.price.minor + off_by, purchase.price.currency),
            purchase_id=self._random.choice([purchase.id, purchase.id, purchase.id, None, 999_999]),
            payer=self._random.choice([purchase.user_id, person.id, None, 77]),
            update_id=self._random.choice([None, update]),
        )

    def _pay_from_balance(self, update: int, person: Person) -> Command[Any]:
        purchase = self._random.choice(self._purchases())
        return PayFromBalance(update, self._random.choice([person, PEOPLE[purchase.user_id]]), purchase.id)

    def _invoice(self, update: int, _: Person) -> Command[Any]:
        purchase = self._random.choice(self._purchases())
        made = AttachInvoice(update, purchase.id, f"{purchase.id}-{update}", "https://pay.example")
        return self._random.choice([made, ReportUnavailable(update, purchase.id)])

    def _confirm(self, committed: set[int]) -> Command[Any]:
        grants = [
            each for each in self._shop.rows.grants.changed.values() if each.subscription_id in committed
        ]
        confirmed = tuple(
            Confirmation(
                each.subscription_id, max(1, each.version - self._random.choice([0, 0, 1])), each.present
            )
            for each in self._random.sample(grants, self._random.randint(1, len(grants)))
        )
        return ConfirmProvisions(self._random.choice(["one", "two"]), confirmed)

    def _expire(self, committed: set[int]) -> Command[Any]:
        return ExpireSubscriptions(tuple(sorted(committed)))


@pytest.mark.parametrize("seed", range(10))
async def test_batches_in_the_database_are_the_domain_one_by_one(database: Database, seed: int) -> None:
    random, shop = Random(seed), Shop()
    crowd = Crowd(random, shop)
    async with open_desk(database.writer) as desk:
        for _ in range(random.choice([5, 40])):
            committed = {row.id for row in shop.rows.subscriptions.changed.values()}
            batch, expected = [], []
            for _ in range(random.choice([1, 2, 5, 20])):
                batch.append(crowd.act(committed))
                expected.append(Answered(shop.do(batch[-1])))
                _keep_first_messages(shop)
            assert await desk.writer.execute(batch, shop.now) == expected
            shop.wait(timedelta(days=random.choice([0, 0, 1, 20])))
        for table in TABLES:
            decided = getattr(shop.rows, table.name).changed.values()
            assert await _stored(desk, table) == sorted(map(_comparable, decided)), table.name


def _keep_first_messages(shop: Shop) -> None:
    """The database keeps one message for a key, the first."""
    seen: set[str] = set()
    for number, row in list(shop.rows.outbox.changed.items()):
        if row.key in seen:
            del shop.rows.outbox.changed[number]
        seen.add(row.key)


async def _stored(desk: Desk, table: Table[Any]) -> list[str]:
    key = SQL(", ").join(map(Identifier, table.key))
    everything = SQL("SELECT {} FROM {}").format(key, Identifier(table.name))
    keys = await (await desk.writer.connection.execute(everything)).fetchall()
    arrays = [[row[n] for row in keys] for n in range(len(table.key))]
    cursor = await desk.writer.connection.execute(table.select(table.key), arrays)
    return sorted(_comparable(table.read(row)) for row in await cursor.fetchall())


def _comparable(row: Any) -> str:
    """A row as text; JSON loses its spelling in the database."""
    spelled = {name: getattr(row, name) for name in ("body", "reply") if hasattr(row, name)}
    return repr(
        replace(row, **{name: json.dumps(json.loads(text), sort_keys=True) for name, text in spelled.items()})
    )
