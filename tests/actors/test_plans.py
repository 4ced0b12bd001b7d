"""No periodic scan, and nothing that the writer reads beforehand, goes through a large table to find a few rows.

The statements are those of the code: what actors hold as constants, what workers read while they work, what the writer
sends. The server itself counts how often a table was gone through, and how much of an index was read.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final
from unittest import mock

import psycopg
import pytest

from domain.commands import Needs
from domain.entities import Provider
from storage.connection import TrioConnection
from storage.embedded.server import EmbeddedPostgres
from storage.prefetch import prefetch
from storage.session import reader_conninfo, writer_conninfo
from storage.writer import open_writer
from tests.actors.scanning import SCANNERS, Read, scan
from tests.actors.statements import statements
from tests.fixtures.postgres import Database, lasting_database
from tests.storage.population import NODE, populate
from tests.storage.shop import CATALOGUE, NOW, made_up_entropy

_PEOPLE: Final = 20_000
_DUE: Final = 40

#: A table of so many rows counts as large.
_LARGE: Final = _PEOPLE // 10

#: Statements that may go through a table, and why: no clock asks these more often than once a day.
ASKED_BY_SOMEBODY: Final = {
    "books PAYMENTS": "an operator looks at one person",
    "books STATEMENT": "an operator looks at one person",
    "books RETURNED": "an operator has a report made",
    "node_report WANTED": "an operator looks at the nodes",
    "audience REACH": "an administrator sees whom a broadcast would reach",
    "daily_report COUNTS": "it counts people, once a day",
    "daily_report REFUNDED": "it sums what was sent back, once a day",
    "metrics_page MOVED": "it sums what everybody has moved, whenever Prometheus asks",
    "metrics_page UNCONFIRMED": "it counts what every node has of everybody, whenever Prometheus asks",
}

#: Workers that look at everybody each time, or at whose side the actor of a node does that at its start.
_LOOKS_AT_EVERYBODY: Final = {"usage", "xray_reconciler"}


@pytest.fixture(scope="module")
def crowd(postgres: EmbeddedPostgres) -> Iterator[Database]:
    """A shop with very many people, of whom some are due."""
    with lasting_database(postgres) as database:
        populate(database, _PEOPLE)
        populate(database, _DUE, first=_PEOPLE + 1, due=True)
        yield database


def gone_through(plan: str, large: Mapping[str, int]) -> list[str]:
    """The large tables that a plan goes through from the first row to the last."""
    return sorted({table for table in re.findall(r"Seq Scan on (?:\w+\.)?(\w+)", plan) if table in large})


def plan_of(connection: psycopg.Connection[Any], sql: str) -> str:
    """The plan of a statement that serves for any parameters, as a prepared one may get."""
    numbers: dict[str, str] = {}

    def number(parameter: re.Match[str]) -> str:
        name = parameter["name"] or str(parameter.start())
        return numbers.setdefault(name, f"${len(numbers) + 1}")

    numbered = re.sub(r"%(\((?P<name>\w+)\))?s", number, sql).replace("%%", "%")
    lines = connection.execute(f"EXPLAIN (GENERIC_PLAN) {numbered}".encode())
    return "\n".join(line for (line,) in lines)


def large_tables(database: Database) -> Mapping[str, int]:
    """Every table with many rows, and how many."""
    with psycopg.connect(database.owner) as owner:
        found = owner.execute(
            "SELECT relname::text, reltuples::bigint FROM pg_class WHERE relkind = 'r' AND reltuples >= %s"
            " AND relnamespace = 'public'::regnamespace",
            [_LARGE],
        )
        return dict(found.fetchall())


def test_every_table_that_grows_with_people_is_large(crowd: Database) -> None:
    with psycopg.connect(crowd.owner) as owner:
        tables = owner.execute("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'").fetchall()
    small = {name for (name,) in tables} - large_tables(crowd).keys()
    assert small == {
        "broadcasts",
        "node_runs",
        "notice_marks",
        "promos",
        "schema_migrations",
        "switches",
        "writer_claim",
    }, "give a new table its rows in tests/storage/population.sql"


@pytest.mark.parametrize("name", sorted(statements().values()))
def test_no_statement_of_an_actor_goes_through_a_large_table(crowd: Database, name: str) -> None:
    [sql] = [sql for sql, each in statements().items() if each == name]
    with psycopg.connect(reader_conninfo(crowd.reader), autocommit=True) as reader:
        plan = plan_of(reader, sql)
    assert bool(gone_through(plan, large_tables(crowd))) == (name in ASKED_BY_SOMEBODY), plan


def test_a_statement_that_goes_through_a_large_table_is_found(crowd: Database) -> None:
    with psycopg.connect(reader_conninfo(crowd.reader), autocommit=True) as reader:
        plan = plan_of(reader, "SELECT id FROM users WHERE first_name LIKE %s || '%%' LIMIT %s")
    assert gone_through(plan, large_tables(crowd)) == ["users"]


def forget_counters(database: Database) -> None:
    with psycopg.connect(database.owner, autocommit=True) as owner:
        owner.execute("SELECT pg_stat_reset()")


def counters(database: Database) -> dict[str, tuple[int, int]]:
    """For each table: how often it was gone through, and how many entries of its indexes were read."""
    with psycopg.connect(database.owner, autocommit=True) as owner:
        # A session tells what it has counted when it ends.
        others = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
        while owner.execute(others, [database.name]).fetchone() != (0,):
            pass
        found = owner.execute(
            "SELECT relname::text, seq_scan, (SELECT coalesce(sum(idx_tup_read), 0)::bigint"
            " FROM pg_stat_user_indexes AS i WHERE i.relid = t.relid) FROM pg_stat_user_tables AS t"
        )
        return {table: (scans, entries) for table, scans, entries in found}


@pytest.mark.parametrize("worker", SCANNERS)
async def test_a_pass_of_a_worker_reads_what_is_due_and_not_the_table(
    crowd: Database, tmp_path: Path, worker: str
) -> None:
    reads: list[Read] = []
    forget_counters(crowd)
    everybody = worker in _LOOKS_AT_EVERYBODY
    await scan(worker, crowd, tmp_path, reads.append, people=_PEOPLE if everybody else _DUE)
    assert {read.sql for read in reads} <= statements().keys(), "a statement is a constant of its module"
    read_of = counters(crowd)
    for table in large_tables(crowd):
        scans, entries = read_of[table]
        assert scans == 0, (worker, table)
        assert entries < _PEOPLE / 10 or everybody, (worker, table)


class Everything:
    """A command that needs a row of every kind."""

    def needs(self) -> Needs:
        return Needs(
            users=(10_000_001,),
            purchases=(4, 6),
            charges=((Provider.STARS, "charge 9"),),
            payments=(12,),
            codes=("WELCOME", "GIFT-OF-A-PERSON-10"),
            subscriptions=(3,),
            outbox=(16,),
            updates=(5,),
            orphans=((NODE, "s1000000002"),),
            runs=((NODE, "the only one"),),
            usage=((3, NODE),),
            broadcasts=(2,),
            marks=("payments",),
            inviters=True,
        )

    def key(self) -> str:
        return "command 7"


async def test_nothing_that_the_writer_reads_beforehand_goes_through_a_large_table(crowd: Database) -> None:
    sent: dict[str, None] = {}
    execute = TrioConnection.execute

    async def heard(self: TrioConnection, query: Any, *rest: Any, **named: Any) -> Any:
        sent[query.decode() if isinstance(query, bytes) else str(query)] = None
        return await execute(self, query, *rest, **named)

    assert all(getattr(Everything().needs(), each.name) for each in fields(Needs))
    forget_counters(crowd)
    async with open_writer(crowd.writer, now=NOW, catalogue=CATALOGUE, entropy=made_up_entropy()) as writer:
        with mock.patch.object(TrioConnection, "execute", heard):
            await prefetch(writer.connection, [Everything()])  # type: ignore[list-item]
    large = large_tables(crowd)
    with psycopg.connect(writer_conninfo(crowd.writer), autocommit=True) as connection:
        plans = {sql: plan_of(connection, sql) for sql in sent}
    assert len(plans) > 15
    assert {sql: plan for sql, plan in plans.items() if gone_through(plan, large)} == {}
    read_of = counters(crowd)
    assert {table: read_of[table] for table in large if read_of[table][0] or read_of[table][1] > 100} == {}
