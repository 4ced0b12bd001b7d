"""A `db_writer` alone in a system, and what tests of its trouble look at: the books, the status, the alert."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import trio
import trio.testing

from actors.db_writer import BEAT_SECONDS, NOTHING_WRITTEN, DbWriter
from runtime import Ref
from tests.actors.systems import Running, environment, running
from tests.actors.test_db_writer import LISTENERS
from tests.fixtures.postgres import Database
from tests.storage.test_writer import owner_of

_BOOKS = """
    SELECT count(*), count(DISTINCT purchase_id), (SELECT count(*) FROM transfers WHERE cause = 'payment'),
        (SELECT count(*) FROM outbox WHERE kind = 'paid') FROM payments
"""


@asynccontextmanager
async def writing(
    database: Database,
    folder: Path,
    *,
    step: Callable[[str], None] | None = None,
    through: str | None = None,
    mailbox: int = 1024,
) -> AsyncIterator[Running]:
    """A system with a writer, its steps told to `step`, connected `through` another address if that is given."""
    async with environment(database, folder) as surroundings:
        surroundings = replace(surroundings, writer_conninfo=through or surroundings.writer_conninfo)
        if step is not None:
            surroundings = replace(surroundings, step=step)
        writer = {"db_writer": partial(DbWriter, environment=surroundings)}
        async with running(writer, LISTENERS, mailbox=mailbox) as here:
            yield here


def writer_of(here: Running) -> Ref:
    return here.system.ref("db_writer")


def alert_of(here: Running) -> str | None:
    """What an operator reads in the status about the writer."""
    [status] = [actor for actor in here.system.status().actors() if actor.name == "db_writer"]
    return status.alerts.get(NOTHING_WRITTEN)


def restarts_of(here: Running) -> int:
    [status] = [actor for actor in here.system.status().actors() if actor.name == "db_writer"]
    return int(status.restarts)


def books(database: Database) -> tuple[object, ...]:
    with owner_of(database) as owner:
        row = owner.execute(_BOOKS.encode()).fetchone()
    assert row is not None
    return row


async def beat_until(here: Running, condition: Callable[[], bool]) -> None:
    with trio.fail_after(20):
        while not condition():
            here.clock.move(timedelta(seconds=BEAT_SECONDS))
            await trio.testing.wait_all_tasks_blocked(0.01)
