"""Everything that a database holds, as a value that can be compared: nothing lost, nothing doubled, nothing else."""

import json
import re
from collections import Counter
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier

from tests.fixtures.postgres import Database

#: Who writes, and how often it was taken over, differs from run to run by its nature.
_ASIDE = ("writer_claim", "schema_migrations")

#: What two lives that came to the same may still differ in: what was drawn at random, how often something was tried,
#: the numbers that others gave, how many seconds of a month were left. Of moments, only whether there is one is a fact.
_CHANCE = {"uuid", "token", "trace", "body", "attempts", "message_id", "seconds", "traffic_from"}
_CHANCE_IN = {"updates": {"id"}, "answers": {"key"}}
#: How much passes through a node is counted now and then, and depends on how often it was tried.
_TRAFFIC = ("node_runs", "node_usage", "usage")
_UPDATE = re.compile(r"update:\d+")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:.*")

State = dict[str, list[str]]


def state_of(database: Database) -> State:
    """Every row of every table as text."""
    return {table: [str(row) for row in rows] for table, rows in _tables(database, "each::text").items()}


def facts_of(database: Database) -> State:
    """Every row of every table, without what differs from life to life."""
    return {
        table: sorted(_fact(row, _CHANCE | _CHANCE_IN.get(table, set())) for row in rows)
        for table, rows in _tables(database, "to_jsonb(each)").items()
        if table not in _TRAFFIC
    }


def _tables(database: Database, form: str) -> dict[str, list[Any]]:
    query = f"SELECT {form} FROM {{}} AS each ORDER BY each::text"
    with psycopg.connect(database.owner, autocommit=True) as owner:
        names = owner.execute(
            "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
        ).fetchall()
        return {
            name: [row for (row,) in owner.execute(SQL(query).format(Identifier(name))).fetchall()]
            for (name,) in names
            if name not in _ASIDE
        }


def _fact(row: dict[str, Any], chance: set[str]) -> str:
    kept = {name: value for name, value in row.items() if name not in chance}
    return _UPDATE.sub("update", json.dumps({name: _without_moment(value) for name, value in kept.items()}))


def _without_moment(value: object) -> object:
    return "a moment" if isinstance(value, str) and _MOMENT.fullmatch(value) else value


def differences(found: State, expected: State) -> dict[str, tuple[list[str], list[str]]]:
    """By table, the rows that are too many and those that are missing."""
    return {
        table: (_more(found[table], rows), _more(rows, found[table]))
        for table, rows in expected.items()
        if found[table] != rows
    }


def _more(rows: list[str], others: list[str]) -> list[str]:
    return sorted((Counter(rows) - Counter(others)).elements())
