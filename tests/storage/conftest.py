"""Fixtures that only the tests of `storage` need."""

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from storage.connection import TrioConnection, open_connection
from storage.session import writer_conninfo
from tests.fixtures.postgres import Database
from tests.storage.embedded_clusters import is_deserted


@pytest.fixture
def data_folder(reachable_folder: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A data folder of the test's own, not yet there; nothing may run in it when the test has ended."""
    path = reachable_folder / request.node.name[:30]
    yield path
    assert is_deserted(path)
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
async def connection(database: Database) -> AsyncIterator[TrioConnection]:
    """A connection of the database's owner, and a table `counter` whose one row is 0."""
    async with open_connection(writer_conninfo(database.owner)) as opened:
        await opened.execute("CREATE TABLE counter (n bigint)")
        await opened.execute("INSERT INTO counter VALUES (0)")
        yield opened
