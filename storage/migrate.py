"""The schema's migrations: numbered SQL files, applied in order, each in a transaction of its own (D4).

Plain SQL, because the schema is where our guarantees live (constraints, triggers, grants) and should be read as it
is. What was applied is recorded with the file's digest in `schema_migrations`, so that a schema which is not what
these files make of an empty database is noticed before anything runs on it.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import trio
from psycopg import Error
from psycopg.pq import TransactionStatus

from storage.backup import back_up
from storage.connection import TrioConnection, open_connection
from storage.errors import StorageError
from storage.session import owner_conninfo
from storage.transactions import transact

FOLDER: Final = Path(__file__).parent / "migrations"
LOCK_LIMIT_S: Final = 60.0
"""How long to wait for another process that migrates the same database."""

_LOCK: Final = int.from_bytes(b"migrate!")
_FILE_NAME: Final = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")


class MigrationRefused(StorageError):
    """The files and the database do not belong together, or another process is migrating; nothing was changed."""


class MigrationFailed(StorageError):
    """The SQL of a migration failed; that migration was rolled back, the ones before it stand."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file."""

    number: int
    name: str
    sql: bytes

    @property
    def sha256(self) -> str:
        """The digest that `schema_migrations` keeps."""
        return hashlib.sha256(self.sql).hexdigest()


def read_migrations(folder: Path = FOLDER) -> list[Migration]:
    """The files of `folder` in order; raises `MigrationRefused` unless they are numbered 1, 2, 3, …"""
    migrations: list[Migration] = []
    for path in sorted(folder.glob("*.sql")):
        matched = _FILE_NAME.fullmatch(path.name)
        if matched is None:
            raise MigrationRefused(f"{path} is not named like a migration: expected 0001_what_it_does.sql")
        migrations.append(Migration(int(matched[1]), path.name, path.read_bytes()))
    for expected, migration in enumerate(migrations, start=1):
        if migration.number != expected:
            raise MigrationRefused(
                f"{folder / migration.name} should have the number {expected:04}: "
                "migrations are numbered without gaps, and each number is used once"
            )
    return migrations


async def migrate(
    conninfo: str,
    on_progress: Callable[[str], None] = lambda _: None,
    *,
    backups: Path | None = None,
    folder: Path = FOLDER,
) -> list[str]:
    """Bring the schema to the newest migration; returns the names of the files that were applied now.

    A database that is in use is backed up to the folder `backups` before it is changed; without one only an empty
    database is migrated. `conninfo` is the owner's. Raises `MigrationRefused`, `MigrationFailed`, `BackupFailed` or
    `DatabaseUnreachable`.
    """
    migrations = await trio.to_thread.run_sync(read_migrations, folder)
    async with open_connection(owner_conninfo(conninfo)) as connection:
        await _lock(connection, on_progress)
        applied = await _applied(connection)
        pending = _pending(migrations, applied)
        if applied and pending:
            await _back_up(conninfo, backups, pending[0], on_progress)
        for migration in pending:
            on_progress(f"migrating the database: {migration.name}")
            await _apply(connection, migration)
    return [migration.name for migration in pending]


async def _lock(connection: TrioConnection, on_progress: Callable[[str], None]) -> None:
    """Held until the connection closes. It is per database: what the cluster shares (roles) is not under it."""
    cursor = await connection.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
    if await cursor.fetchone() == (True,):
        return
    on_progress("waiting for another process that is migrating the database")
    with trio.move_on_after(LOCK_LIMIT_S):
        await connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        return
    raise MigrationRefused(
        f"another process has been migrating this database for {LOCK_LIMIT_S:.0f} s: "
        "let it finish, or stop it, and start again"
    )


async def _applied(connection: TrioConnection) -> dict[int, tuple[str, str]]:
    """Name and digest of each applied migration, by number."""
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_migrations ("
        " number integer PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL,"
        " applied_at timestamptz NOT NULL DEFAULT now())"
    )
    cursor = await connection.execute("SELECT number, name, sha256 FROM schema_migrations ORDER BY number")
    return {number: (name, sha256) for number, name, sha256 in await cursor.fetchall()}


def _pending(migrations: Sequence[Migration], applied: dict[int, tuple[str, str]]) -> list[Migration]:
    """What is left to apply, provided that what was applied is what the files say."""
    if applied and max(applied) > len(migrations):
        newest, _ = applied[max(applied)]
        raise MigrationRefused(
            f"the database's schema is newer than this program (it has {newest}): "
            "run the newer version of turnpike, or restore the backup from before the update"
        )
    for migration in migrations[: len(applied)]:
        name, sha256 = applied[migration.number]
        if (name, sha256) != (migration.name, migration.sha256):
            raise MigrationRefused(
                f"the migration {migration.name} was edited after it had been applied (as {name}): "
                "restore the file, and put the change into a new migration"
            )
    return list(migrations[len(applied) :])


async def _back_up(
    conninfo: str, backups: Path | None, first: Migration, on_progress: Callable[[str], None]
) -> None:
    """What a migration does to the rows that are there cannot be undone otherwise."""
    if backups is None:
        raise MigrationRefused(
            f"the database needs the migration {first.name}, and there is no folder for the backup before it: "
            "name one"
        )
    on_progress(f"backing up the database to {backups}")
    await back_up(owner_conninfo(conninfo), backups, f"before_{Path(first.name).stem}")


async def _apply(connection: TrioConnection, migration: Migration) -> None:
    async def work() -> None:
        await connection.execute(migration.sql)
        if connection.info.transaction_status != TransactionStatus.INTRANS:
            raise MigrationFailed(
                f"the migration {migration.name} ends its own transaction: remove its COMMIT or ROLLBACK; "
                "what it did until then may stand, so restore the database before trying again"
            )
        await connection.execute(
            "INSERT INTO schema_migrations (number, name, sha256) VALUES (%s, %s, %s)",
            [migration.number, migration.name, migration.sha256],
        )

    try:
        await transact(connection, work)
    except Error as error:
        raise MigrationFailed(
            f"the migration {migration.name} failed{_line(migration, error)} and was rolled back: "
            f"{error.diag.message_primary or error}"
        ) from error


def _line(migration: Migration, error: Error) -> str:
    """Where in the file, as far as the server says."""
    position = error.diag.statement_position
    if position is None:
        return ""
    before = migration.sql.decode()[: int(position) - 1]
    return f" at line {before.count(chr(10)) + 1}"
