"""Opening the shop's database: the embedded server, or one that the operator names; its schema brought up to date."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import trio
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from actors.environment import read_secret
from storage.embedded.server import open_embedded
from storage.migrate import migrate
from turnpike.failure import CannotRun


@dataclass(frozen=True, slots=True)
class Database:
    """How to connect as the one who writes, and as those who read (F15)."""

    writer: str
    reader: str


@asynccontextmanager
async def open_database(
    variable: str | None, folder: Path, report: Callable[[str], None]
) -> AsyncIterator[Database]:
    """Open the server whose address the environment variable holds, or without one the embedded server in `folder`.

    Before its schema is changed it is backed up, to `backups` beside that folder.
    Raises `CannotRun` and `StorageError`; if the embedded server ends meanwhile, `CannotRun` ends what runs inside.
    """
    backups = folder.with_name("backups")
    if variable is None:
        async with open_embedded(folder, on_progress=report) as server:
            await migrate(server.conninfo(), report, backups=backups)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_fail_with, server.wait_dead)
                yield Database(
                    server.conninfo(user="turnpike_writer"), server.conninfo(user="turnpike_reader")
                )
                nursery.cancel_scope.cancel()
        return
    url = _checked(read_secret(os.environ, variable, None, "database: the server's address"), variable)
    await migrate(url, report, backups=backups)
    yield Database(_as_role(url, "turnpike_writer"), _as_role(url, "turnpike_reader"))


def _checked(url: str, variable: str) -> str:
    try:
        conninfo_to_dict(url)
    except ProgrammingError:  # its text repeats the address, password included
        raise CannotRun(
            f"database: {variable} does not hold an address, expected one like postgresql://user:password@host/name"
        ) from None
    return url


def _as_role(url: str, role: str) -> str:
    """The operator's address, with a session that acts as the role from its first statement on."""
    given = conninfo_to_dict(url)
    options = f"{given.get('options') or ''} -c role={role}".strip()
    return make_conninfo("", **{**given, "options": options})


async def _fail_with(wait_dead: Callable[[], Awaitable[str]]) -> None:
    raise CannotRun(await wait_dead())
