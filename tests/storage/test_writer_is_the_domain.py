"""Random commands in random batches: the rows in PostgreSQL are those that the domain decides one by one in memory.

What this holds together: prefetch reads all that a decision needs, layers and net changes lose nothing, batches do
not change what is decided, and the database's own sums and first messages are those of the domain.
"""

import json
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace
from psycopg.sql import SQL, Identifier

from storage import tables
from storage.tables import Table
from storage.writer import Answered
from tests.domain.crowd import Crowd, Known
from tests.domain.memory import Shop
from tests.fixtures.postgres import Database
from tests.storage.shop import Desk, open_desk

TABLES: list[Table[Any]] = [table for table in vars(tables).values() if isinstance(table, Table)]


@pytest.mark.parametrize("seed", range(10))
async def test_batches_in_the_database_are_the_domain_one_by_one(database: Database, seed: int) -> None:
    random, shop = Random(seed), Shop()
    crowd = Crowd(random, shop)
    async with open_desk(database.writer) as desk:
        for _ in range(random.choice([5, 40])):
            known = Known.of(shop)
            batch, expected = [], []
            for _ in range(random.choice([1, 2, 5, 20])):
                batch.append(crowd.act(known))
                expected.append(Answered(shop.do(batch[-1])))
                _keep_first_messages(shop)
            outcomes = await desk.writer.execute(batch, shop.now)
            for command, outcome, decided in zip(batch, outcomes, expected, strict=True):
                assert outcome == decided, command
            shop.wait(crowd.wait())
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
