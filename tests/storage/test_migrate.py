"""The migration runner, with migrations of its own on databases of its own."""

import subprocess
from pathlib import Path

import psycopg
import pytest
import trio

from storage import backup as backup_module
from storage import migrate as module
from storage.backup import KEPT, BackupFailed
from storage.connection import open_connection
from storage.embedded.programs import installed_programs
from storage.migrate import Migration, MigrationFailed, MigrationRefused, migrate, read_migrations
from tests.fixtures.postgres import Database

FIRST = "CREATE TABLE shelf (book text NOT NULL CHECK (book LIKE '%o%'));"
SECOND = "INSERT INTO shelf VALUES ('Moby Dick'); INSERT INTO shelf VALUES ('Emoji');"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, "0001_shelf.sql", FIRST)
    write(tmp_path, "0002_books.sql", SECOND)
    return tmp_path


@pytest.fixture
def empty(database: Database) -> str:
    """An empty database: the schema that the product's migrations made is taken away."""
    with psycopg.connect(database.owner, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    return database.owner


def write(folder: Path, name: str, sql: str) -> None:
    (folder / name).write_text(sql)


def query(conninfo: str, sql: str) -> list[tuple[object, ...]]:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        return connection.execute(sql.encode()).fetchall()


@pytest.mark.requirement("D4")
async def test_an_empty_database_gets_every_migration_in_order_and_a_second_run_none(
    empty: str, folder: Path
) -> None:
    told: list[str] = []
    assert await migrate(empty, told.append, folder=folder) == ["0001_shelf.sql", "0002_books.sql"]
    assert told == ["migrating the database: 0001_shelf.sql", "migrating the database: 0002_books.sql"]
    assert await migrate(empty, told.append, folder=folder) == []
    assert query(empty, "SELECT count(*) FROM shelf") == [(2,)]


async def test_only_what_is_new_is_applied(empty: str, folder: Path, tmp_path: Path) -> None:
    await migrate(empty, folder=folder)
    write(folder, "0003_more.sql", "INSERT INTO shelf VALUES ('Ivanhoe')")
    assert await migrate(empty, folder=folder, backups=tmp_path / "backups") == ["0003_more.sql"]


@pytest.mark.requirement("D4")
async def test_a_migration_that_fails_changes_nothing_and_names_file_line_and_reason(
    empty: str, folder: Path
) -> None:
    write(folder, "0003_wrong.sql", "INSERT INTO shelf VALUES ('Ivanhoe');\n\nSELECT nothing FROM nowhere;\n")
    expected = r'0003_wrong\.sql failed at line 3 and was rolled back: relation "nowhere" does not exist'
    with pytest.raises(MigrationFailed, match=expected):
        await migrate(empty, folder=folder)
    assert query(empty, "SELECT count(*) FROM shelf") == [(2,)]
    assert query(empty, "SELECT max(number) FROM schema_migrations") == [(2,)]


@pytest.mark.requirement("D4")
async def test_a_migration_that_ends_its_own_transaction_is_an_error(empty: str, folder: Path) -> None:
    write(folder, "0003_commits.sql", "INSERT INTO shelf VALUES ('Ivanhoe'); COMMIT;")
    with pytest.raises(MigrationFailed, match=r"0003_commits\.sql ends its own transaction"):
        await migrate(empty, folder=folder)


@pytest.mark.requirement("D4")
async def test_an_edited_migration_is_refused(empty: str, folder: Path) -> None:
    await migrate(empty, folder=folder)
    write(folder, "0001_shelf.sql", FIRST + "-- harmless\n")
    with pytest.raises(MigrationRefused, match=r"0001_shelf\.sql was edited after it had been applied"):
        await migrate(empty, folder=folder)


@pytest.mark.requirement("D4")
async def test_a_newer_schema_is_refused(empty: str, folder: Path) -> None:
    await migrate(empty, folder=folder)
    (folder / "0002_books.sql").unlink()
    with pytest.raises(MigrationRefused, match=r"newer than this program \(it has 0002_books\.sql\)"):
        await migrate(empty, folder=folder)


@pytest.mark.requirement("D4")
async def test_runs_at_the_same_time_apply_each_migration_once(empty: str, folder: Path) -> None:
    applied: list[str] = []

    async def one() -> None:
        applied.extend(await migrate(empty, folder=folder))

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(one)
    assert applied == ["0001_shelf.sql", "0002_books.sql"]


@pytest.mark.requirement("D4")
async def test_a_process_that_keeps_migrating_is_named_as_the_reason_to_give_up(
    empty: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOCK_LIMIT_S", 0.1)
    told: list[str] = []
    async with open_connection(empty) as other:
        await other.execute("SELECT pg_advisory_lock(%s)", [module._LOCK])
        with pytest.raises(MigrationRefused, match="another process has been migrating this database"):
            await migrate(empty, told.append, folder=folder)
    assert told == ["waiting for another process that is migrating the database"]


@pytest.mark.requirement("D4")
@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("0004_gap.sql", r"0004_gap\.sql should have the number 0003"),
        ("0002_again.sql", r"0002_books\.sql should have the number 0003"),
        ("third.sql", r"third\.sql is not named like a migration"),
    ],
)
def test_files_that_are_not_a_sequence_are_refused(folder: Path, name: str, sentence: str) -> None:
    write(folder, name, "SELECT 1")
    with pytest.raises(MigrationRefused, match=sentence):
        read_migrations(folder)


def test_the_product_has_its_migrations() -> None:
    assert [migration.number for migration in read_migrations()][:1] == [1]
    assert Migration(1, "a", b"").sha256 == Migration(2, "b", b"").sha256 != Migration(1, "a", b" ").sha256


def restore(backup: Path, conninfo: str) -> None:
    """Put a backup into an empty database, as an operator would."""
    command: list[str | Path] = [installed_programs() / "pg_restore", "--exit-on-error", "--no-owner"]
    command += ["--dbname", conninfo, backup]
    restored = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert restored.returncode == 0, restored.stderr


@pytest.mark.requirement("D4")
async def test_a_database_in_use_is_backed_up_before_it_is_changed(
    empty: str, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    backups, told = tmp_path_factory.mktemp("shop") / "backups", list[str]()
    await migrate(empty, folder=folder, backups=backups)
    assert not backups.exists(), "an empty database has nothing to lose"
    query(empty, "INSERT INTO shelf VALUES ('Ivanhoe') RETURNING book")
    write(folder, "0003_loses.sql", "DELETE FROM shelf")
    await migrate(empty, told.append, folder=folder, backups=backups)
    assert query(empty, "SELECT count(*) FROM shelf") == [(0,)]
    [backup] = backups.iterdir()
    assert told[0] == f"backing up the database to {backups}"
    assert (backup.name, backup.stat().st_mode & 0o777) == ("before_0003_loses.dump", 0o600)

    with psycopg.connect(empty, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    restore(backup, empty)
    assert query(empty, "SELECT book FROM shelf ORDER BY book") == [("Emoji",), ("Ivanhoe",), ("Moby Dick",)]
    assert query(empty, "SELECT max(number) FROM schema_migrations") == [(2,)]


@pytest.mark.requirement("D4")
async def test_without_a_backup_nothing_is_changed(empty: str, folder: Path) -> None:
    await migrate(empty, folder=folder)
    write(folder, "0003_loses.sql", "DELETE FROM shelf")
    with pytest.raises(MigrationRefused, match=r"0003_loses\.sql, and there is no folder for the backup"):
        await migrate(empty, folder=folder)
    occupied = folder / "0001_shelf.sql"
    with pytest.raises(
        BackupFailed, match=r"could not be backed up to .*0001_shelf\.sql .*so it was not migrated"
    ):
        await migrate(empty, folder=folder, backups=occupied)
    assert query(empty, "SELECT count(*) FROM shelf") == [(2,)]


@pytest.mark.requirement("D4")
async def test_a_backup_that_fails_in_the_middle_leaves_no_file_and_an_older_one_untouched(
    empty: str, folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    backups = tmp_path_factory.mktemp("backups")
    (backups / "before_0003_loses.dump").write_text("an older one")
    await migrate(empty, folder=folder)
    write(folder, "0003_loses.sql", "DELETE FROM shelf")
    monkeypatch.setattr(backup_module, "LIMIT_S", 0.0)
    with pytest.raises(BackupFailed, match="it took longer than 0 s"):
        await migrate(empty, folder=folder, backups=backups)
    assert query(empty, "SELECT count(*) FROM shelf") == [(2,)]
    [left] = backups.iterdir()
    assert (left.name, left.read_text()) == ("before_0003_loses.dump", "an older one")


async def test_the_newest_backups_are_kept(
    empty: str, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    backups = tmp_path_factory.mktemp("backups")
    await migrate(empty, folder=folder)
    for number in range(3, 3 + KEPT + 2):
        write(folder, f"{number:04}_more.sql", "SELECT 1")
        await migrate(empty, folder=folder, backups=backups)
    assert sorted(path.name for path in backups.iterdir()) == [
        f"before_{number:04}_more.dump" for number in range(5, 5 + KEPT)
    ]
