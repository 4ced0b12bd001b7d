"""The database's disk is full, for real: a file system of some megabytes that a file fills to its end."""

import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

import actors.db_writer
from actors.db_writer import NOTHING_WRITTEN, DbWriter
from actors.messages import NotWritten, Write
from domain.commands import FinalizePayment, Receipt
from domain.entities import PaymentOutcome
from runtime import Ref
from storage.embedded.server import start_embedded
from storage.migrate import migrate
from tests.actors.systems import environment, running
from tests.actors.test_db_writer import LISTENERS, started_purchases
from tests.fixtures.postgres import FAST, Database
from tests.storage.test_writer import owner_of

_MEGABYTES = 160


@pytest.fixture
def small_disk(reachable_folder: Path) -> Iterator[Path]:
    """A file system of its own; only root can make one, so elsewhere the test is skipped, visibly."""
    folder = reachable_folder / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={_MEGABYTES}m,mode=0711", "turnpike", folder],
        capture_output=True,
    )
    if mounted.returncode != 0:
        pytest.skip(f"a small file system cannot be made here: {mounted.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)
        folder.rmdir()


@asynccontextmanager
async def database_on(folder: Path) -> AsyncIterator[Database]:
    server = await start_embedded(folder / "data", settings=FAST)
    try:
        await migrate(server.conninfo())
        writer, reader = (server.conninfo(user=f"turnpike_{role}") for role in ("writer", "reader"))
        yield Database("turnpike", server.conninfo(), writer, reader)
    finally:
        await server.stop()


async def test_on_a_full_disk_nothing_is_written_and_said_so_and_all_goes_on_once_there_is_room(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actors.db_writer, "PATIENCE_SECONDS", 1)
    async with database_on(small_disk) as database:
        payments = await started_purchases(database, 100)
        async with (
            environment(database, tmp_path) as surroundings,
            running({"db_writer": partial(DbWriter, environment=surroundings)}, LISTENERS) as here,
        ):
            writer = here.system.ref("db_writer")
            ballast = fill(small_disk)
            paid = await pay_until_refused(writer, payments)
            [status] = [each for each in here.system.status().actors() if each.name == "db_writer"]
            assert status.alerts[NOTHING_WRITTEN].startswith("the database's disk is full: make room on it")

            ballast.unlink()
            for payment in payments:
                assert (await writer.call(Write(payment))).outcome is PaymentOutcome.ACCEPTED
            [status] = [each for each in here.system.status().actors() if each.name == "db_writer"]
            assert NOTHING_WRITTEN not in status.alerts
            assert status.restarts == 0
        assert len(paid) < len(payments)
        with owner_of(database) as owner:
            counted = owner.execute("SELECT count(*), count(DISTINCT purchase_id), sum(amount) FROM payments")
            assert counted.fetchone() == (100, 100, 100 * 150)
            sums = owner.execute("SELECT sum(credits - debits) FROM accounts GROUP BY currency")
            assert {int(str(value)) for (value,) in sums.fetchall()} == {0}


def fill(disk: Path) -> Path:
    """Fill the file system to its last page."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError as error:
            assert error.errno == 28, "no space left"  # noqa: PT017
    assert os.statvfs(disk).f_bavail == 0
    return ballast


async def pay_until_refused(writer: Ref, payments: list[FinalizePayment]) -> list[Receipt]:
    receipts = []
    try:
        for payment in payments:
            receipts.append(await writer.call(Write(payment)))
    except NotWritten:
        return receipts
    raise AssertionError("the disk was not full")
