"""What the tests of the embedded server look at: its processes, its data, and servers that others own."""

import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from storage.embedded.account import account_for
from storage.embedded.cluster import server_command
from storage.embedded.folder import DataFolder
from storage.embedded.programs import installed_programs
from tests.fixtures.postgres import FAST

ROOT = Path(__file__).parents[2]


def is_deserted(folder: Path) -> bool:
    """Whether no process is at home in the folder, as all of PostgreSQL's are; its log's writer is the last to go."""
    at_home = [
        Path("/proc") / pid for pid in os.listdir("/proc") if pid.isdigit() and is_in(folder, int(pid))
    ]
    return all(ends_within(int(process.name), 1) for process in at_home)


def is_in(folder: Path, pid: int) -> bool:
    try:
        return folder in Path(f"/proc/{pid}/cwd").readlink().parents
    except OSError:
        return False


def programs_of(folder: Path) -> Path:
    """The programs that the server of a data folder was started from: its own copy, if it needed one."""
    return next(folder.glob("postgresql-*/*/pginstall*/bin"), installed_programs())


def write(conninfo: str, text: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS note (text text)")
        connection.execute("INSERT INTO note VALUES (%s)", [text])


def notes(conninfo: str) -> list[str]:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        return [text for (text,) in connection.execute("SELECT text FROM note")]


def show(conninfo: str, setting: str) -> str:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        row = connection.execute("SELECT current_setting(%s)", [setting]).fetchone()
        assert row is not None
        return str(row[0])


def ends_within(pid: int, seconds: float) -> bool:
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], seconds)[0])
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class Owner:
    """A process of its own with an embedded server."""

    process: subprocess.Popen[str]
    server_pid: int
    conninfo: str


@contextmanager
def owner(folder: Path, user: int | None = None) -> Iterator[Owner]:
    """A running `embedded_owner`; stopped in good order at the end unless it was killed."""
    process = subprocess.Popen(
        [
            sys.executable if user is None else others_python(),
            "-B",
            "-m",
            "tests.storage.embedded_owner",
            folder,
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )
    with process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, "the owner of the server did not start"
        told = json.loads(line)
        yield Owner(process, told["pid"], told["conninfo"])


def others_python() -> str:
    """An interpreter of our version that other users can reach, too; ours may lie in a private home."""
    other = account_for(Path("/nonexistent"))
    for candidate in (sys.executable, shutil.which(f"python3.{sys.version_info.minor}", path="/usr/bin")):
        if candidate and not other.obstacle(Path(candidate).resolve()) and not other.obstacle(ROOT):
            return candidate
    pytest.skip("other users can reach neither this Python nor this checkout")


@contextmanager
def left_running(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A server that nothing will stop, as if the parent-death signal had not reached it."""
    folder = DataFolder(path)
    account = account_for(folder.cluster)
    command = server_command(folder, programs_of(path), folder.socket_folder(account), FAST)
    root = os.geteuid() == 0
    with subprocess.Popen(
        command,
        cwd="/",
        user=account.uid if root else None,
        group=account.gid if root else None,
        extra_groups=[] if root else None,
    ) as process:
        try:
            wait_until_ready(folder)
            yield process
        finally:
            process.kill()


def wait_until_ready(folder: DataFolder) -> None:
    pid_file = folder.cluster / "postmaster.pid"
    while not (pid_file.exists() and "ready" in pid_file.read_text()):
        time.sleep(0.01)
