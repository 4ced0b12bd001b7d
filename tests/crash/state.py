"""Everything that a database holds, as a value that can be compared: nothing lost, nothing doubled, nothing else."""

import psycopg
from psycopg.sql import SQL, Identifier

from tests.fixtures.postgres import Database

#: Who writes, and how often it was taken over, differs from run to run by its nature.
_ASIDE = ("writer_claim", "schema_migrations")

State = dict[str, list[str]]


def state_of(database: Database) -> State:
    """Every row of every table as text."""
    with psycopg.connect(database.owner, autocommit=True) as owner:
        tables = owner.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        return {str(name): _rows(owner, str(name)) for (name,) in sorted(tables) if str(name) not in _ASIDE}


def _rows(owner: psycopg.Connection[tuple[object, ...]], table: str) -> list[str]:
    query = SQL("SELECT each::text FROM {} AS each ORDER BY 1").format(Identifier(table))
    return [str(text) for (text,) in owner.execute(query).fetchall()]


def differences(found: State, expected: State) -> dict[str, tuple[list[str], list[str]]]:
    """By table, the rows that are too many and those that are missing."""
    return {
        table: (sorted(set(found[table]) - set(rows)), sorted(set(rows) - set(found[table])))
        for table, rows in expected.items()
        if found[table] != rows
    }
