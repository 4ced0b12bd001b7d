"""A backup is the whole shop at one moment: put back, it has the same rows, rules and roles."""

from pathlib import Path

import psycopg
import pytest
from psycopg import errors
from psycopg.sql import SQL, Identifier

from storage.backup import back_up
from storage.invariants import INVARIANTS
from tests.fixtures.postgres import Database
from tests.storage.population import populate
from tests.storage.test_migrate import restore


def everything(database: Database) -> dict[str, list[object]]:
    """All rows of all tables."""
    with psycopg.connect(database.owner) as owner:
        names = [
            name
            for (name,) in owner.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
            )
        ]
        return {
            name: list(owner.execute(SQL("SELECT t::text FROM {} AS t ORDER BY 1").format(Identifier(name))))
            for name in names
        }


async def test_a_shop_that_is_put_back_has_the_same_rows_rules_and_roles(
    database: Database, tmp_path: Path
) -> None:
    populate(database, 100)
    populate(database, 50, first=101, due=True)
    before = everything(database)
    backup = await back_up(database.owner, tmp_path / "backups", "a_shop")
    with psycopg.connect(database.owner, autocommit=True) as owner:
        owner.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    restore(backup, database.owner)
    assert everything(database) == before
    with psycopg.connect(database.owner) as owner:
        for _, asked, statement in INVARIANTS:
            assert owner.execute(statement, []).fetchall() == [], asked
    with psycopg.connect(database.writer, autocommit=True) as writer:
        writer.execute("UPDATE users SET first_name = 'Alice' WHERE id = 10000001")
        with pytest.raises(errors.InsufficientPrivilege):
            writer.execute("UPDATE transfers SET amount = 1")
    with psycopg.connect(database.owner) as owner, pytest.raises(errors.RestrictViolation):
        owner.execute("UPDATE transfers SET amount = 1")
