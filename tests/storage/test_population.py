"""The shop that scans are measured on keeps the books that any shop keeps."""

import psycopg
import pytest

from storage.invariants import INVARIANTS
from tests.fixtures.postgres import Database
from tests.storage.population import populate


@pytest.mark.parametrize("due", [False, True])
def test_a_made_up_shop_is_sound(database: Database, due: bool) -> None:
    populate(database, 400, due=due)
    populate(database, 100, first=401, due=not due)
    with psycopg.connect(database.owner) as owner:
        for _, asked, statement in INVARIANTS:
            assert owner.execute(statement, []).fetchall() == [], asked
