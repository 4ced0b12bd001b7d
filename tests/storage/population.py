"""A shop with very many people, in seconds: the server makes them by itself, from `population.sql`.

What scans cost, and which plans they get, shows only on tables of some size. The rows are as the writer leaves them;
`tests/storage/test_population.py` has the invariants checked on them.
"""

from pathlib import Path
from typing import Final

import psycopg
from psycopg.sql import SQL, Literal

from tests.fixtures.postgres import Database
from tests.storage.shop import NOW

#: The node that has confirmed everything which is not due.
NODE: Final = "one"

_SQL: Final = Path(__file__).with_suffix(".sql")


def populate(database: Database, people: int, *, first: int = 1, due: bool = False) -> None:
    """Add so many people, numbered from `first`; with `due`, everything of theirs is due at `NOW` for every scan."""
    values = {
        "first": Literal(first),
        "last": Literal(first + people - 1),
        "now": SQL("{}::timestamptz").format(Literal(NOW)),
        "due": SQL("true" if due else "false"),
        "node": Literal(NODE),
    }
    statements = SQL(_SQL.read_text()).format(**values)
    with psycopg.connect(database.owner, autocommit=True) as owner:
        with owner.transaction():
            owner.execute(statements)
        owner.execute("VACUUM ANALYZE")
