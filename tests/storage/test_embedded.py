"""The embedded server's life: first start, next start, stop, kill -9, crash, and what a killed predecessor left."""

# ruff: noqa: ASYNC220, ASYNC221, ASYNC240  (files and processes are the subject, and nothing else is on the loop)

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import trio

from storage.embedded import server as server_module
from storage.embedded.account import account_for
from storage.embedded.cluster import ClusterUnusable, server_command
from storage.embedded.folder import DataFolder, DataFolderInUse, DataFolderUnusable
from storage.embedded.process import launch
from storage.embedded.programs import installed_programs
from storage.embedded.server import ServerFailed, open_embedded, start_embedded
from tests.fixtures.postgres import FAST

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(reachable_folder: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A data folder of the test's own, not yet there."""
    path = reachable_folder / request.node.name[:30]
    yield path
    assert is_deserted(path)
    shutil.rmtree(path, ignore_errors=True)


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


async def test_the_first_start_makes_the_database_and_the_next_finds_its_data(folder: Path) -> None:
    told: list[str] = []
    async with open_embedded(folder, on_progress=told.append) as server:
        write(server.conninfo(), "kept")
    async with open_embedded(folder, on_progress=told.append) as server:
        assert notes(server.conninfo()) == ["kept"]
    assert told == [f"making a PostgreSQL 18 database in {folder}"]


async def test_the_database_is_made_as_promised(folder: Path) -> None:
    async with open_embedded(folder) as server:
        conninfo = server.conninfo()
        assert show(conninfo, "data_checksums") == "on"
        assert show(conninfo, "listen_addresses") == ""
        assert show(conninfo, "server_encoding") == "UTF8"
        assert show(conninfo, "fsync") == "on"
        with psycopg.connect(conninfo) as connection:
            sql = "SELECT datlocprovider, datlocale FROM pg_database WHERE datname = 'turnpike'"
            assert connection.execute(sql).fetchone() == ("b", "C.UTF-8")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has another account to run the server as")
async def test_as_root_the_server_runs_as_another_account_and_lets_that_account_not_in(folder: Path) -> None:
    async with open_embedded(folder, settings={"unix_socket_permissions": "0777"}) as server:
        uid = Path(f"/proc/{server.pid}").stat().st_uid
        assert uid == account_for(Path("/nonexistent")).uid != 0
        attempt = subprocess.run(
            [installed_programs() / "psql", server.conninfo()],
            user=uid,
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        assert 'Peer authentication failed for user "turnpike"' in attempt.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="without root, every other test here shows it")
def test_without_root_the_server_runs_as_ourselves(folder: Path) -> None:
    nobody = account_for(Path("/nonexistent")).uid
    folder.mkdir(mode=0o700)
    os.chown(folder, nobody, nobody)
    with owner(folder / "data", user=nobody) as other:
        assert Path(f"/proc/{other.server_pid}").stat().st_uid == nobody
        write(other.conninfo, "root may come in, too")


async def test_the_server_gets_neither_our_terminal_nor_our_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TURNPIKE_BOT_TOKEN", "secret-word")
    async with open_embedded(folder) as server:
        assert os.getsid(server.pid) == server.pid
        assert b"secret-word" not in Path(f"/proc/{server.pid}/environ").read_bytes()


async def test_stopping_leaves_no_process_and_may_be_repeated(folder: Path) -> None:
    server = await start_embedded(folder)
    await server.stop()
    await server.stop()
    assert is_deserted(folder)


async def test_a_first_start_that_is_cancelled_leaves_no_process_and_is_made_anew(folder: Path) -> None:
    with trio.CancelScope() as scope:
        await start_embedded(folder, on_progress=lambda _: scope.cancel())
    assert scope.cancelled_caught
    assert is_deserted(folder)
    async with open_embedded(folder) as server:
        write(server.conninfo(), "whole")


async def test_a_start_that_is_cancelled_before_the_server_is_ready_stops_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cancelled(conninfo: str) -> None:
        scope.cancel()
        await trio.lowlevel.checkpoint()

    monkeypatch.setattr(server_module, "_ensure_database", cancelled)
    with trio.CancelScope() as scope:
        await start_embedded(folder)
    assert scope.cancelled_caught
    assert is_deserted(folder)


async def test_a_second_start_is_refused_at_once_and_names_the_first(folder: Path) -> None:
    async with open_embedded(folder):
        with trio.fail_after(1), pytest.raises(DataFolderInUse, match=f"in use by process {os.getpid()}:"):
            await start_embedded(folder)


async def test_a_kill_9_of_ours_shuts_the_server_down_and_the_data_are_found_again(folder: Path) -> None:
    with owner(folder) as other:
        write(other.conninfo, "paid")
        other.process.kill()
        assert ends_within(other.server_pid, 2)
    log = "".join(path.read_text() for path in (folder / "log").iterdir())
    assert "database system is shut down" in log
    async with open_embedded(folder) as server:
        assert notes(server.conninfo()) == ["paid"]


async def test_a_start_right_after_a_kill_9_waits_for_the_predecessors_server(folder: Path) -> None:
    with owner(folder) as other:
        write(other.conninfo, "paid")
        other.process.kill()
        other.process.wait()
        async with open_embedded(folder) as server:
            assert server.pid != other.server_pid
            assert notes(server.conninfo()) == ["paid"]


async def test_a_server_that_was_left_running_is_stopped_first(folder: Path) -> None:
    async with open_embedded(folder) as server:
        write(server.conninfo(), "paid")
    told: list[str] = []
    with left_running(folder) as left:
        async with open_embedded(folder, on_progress=told.append) as server:
            assert left.poll() == 0
            assert notes(server.conninfo()) == ["paid"]
    assert told == ["stopping the PostgreSQL that a killed predecessor left running"]


@contextmanager
def left_running(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A server that nothing will stop, as if the parent-death signal had not reached it."""
    folder = DataFolder(path)
    account = account_for(folder.cluster)
    command = server_command(folder, installed_programs(), folder.socket_folder(account), FAST)
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


async def test_a_server_that_crashes_is_noticed_and_the_next_start_recovers(folder: Path) -> None:
    server = await start_embedded(folder)
    try:
        write(server.conninfo(), "paid")
        os.kill(server.pid, signal.SIGKILL)
        with trio.fail_after(2):
            assert (await server.wait_dead()).startswith("PostgreSQL has ended with status -9: ")
    finally:
        await server.stop()
    async with open_embedded(folder) as server:
        assert notes(server.conninfo()) == ["paid"]


async def test_a_stale_process_number_that_somebody_else_has_now_is_no_obstacle(folder: Path) -> None:
    account = account_for(folder)
    async with open_embedded(folder):
        pid_file = folder / "cluster" / "postmaster.pid"
        stale = pid_file.read_text().split("\n", 1)[1]
    with subprocess.Popen(["sleep", "60"], user=account.uid if os.geteuid() == 0 else None) as stranger:
        pid_file.write_text(f"{stranger.pid}\n{stale}")
        async with open_embedded(folder) as server:
            write(server.conninfo(), "started")
        assert stranger.poll() is None
        stranger.kill()


async def test_a_first_start_that_was_killed_half_way_is_made_anew(folder: Path) -> None:
    folder.mkdir(mode=0o711)
    half = folder / "cluster.partial"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    async with open_embedded(folder) as server:
        write(server.conninfo(), "whole")


async def test_data_of_another_major_version_are_refused_in_one_sentence(folder: Path) -> None:
    (folder / "cluster").mkdir(parents=True)
    (folder / "cluster" / "PG_VERSION").write_text("16\n")
    with pytest.raises(ClusterUnusable, match="are of PostgreSQL 16, and this version of turnpike brings"):
        await start_embedded(folder)


async def test_a_server_that_does_not_start_says_why_in_its_own_words(folder: Path) -> None:
    with pytest.raises(ServerFailed, match=r'did not start on .*FATAL:.*"shared_buffers": "plenty"'):
        await start_embedded(folder, settings={"shared_buffers": "plenty"})
    assert is_deserted(folder)


async def test_a_path_too_long_for_a_socket_gets_one_elsewhere_that_goes_with_the_server(
    folder: Path,
) -> None:
    deep = folder / ("a rather long name, with \"quotes\" and 'apostrophes', " * 2)
    async with open_embedded(deep) as server:
        host = Path(str(psycopg.conninfo.conninfo_to_dict(server.conninfo())["host"]))
        assert deep not in host.parents
        assert host.stat().st_mode & 0o777 == 0o700
        write(server.conninfo(), "connected")
    assert not host.exists()


async def test_a_socket_folder_that_somebody_else_made_is_not_used(folder: Path) -> None:
    deep = folder / ("x" * 100)
    async with open_embedded(deep) as server:
        host = Path(str(psycopg.conninfo.conninfo_to_dict(server.conninfo())["host"]))
    host.mkdir(mode=0o755)
    try:
        with pytest.raises(DataFolderUnusable, match="that nobody else may enter: remove it and start again"):
            await start_embedded(deep)
    finally:
        host.rmdir()


@pytest.mark.skipif(os.geteuid() != 0, reason="without root the server runs as ourselves")
async def test_a_data_folder_that_the_server_could_not_reach_is_refused_in_one_sentence(
    tmp_path: Path,
) -> None:
    tmp_path.chmod(0o700)
    with pytest.raises(DataFolderUnusable, match=r"which may not enter .*, so its data cannot lie in"):
        await start_embedded(tmp_path / "data")
    assert not (tmp_path / "data").exists()


async def test_only_the_main_thread_starts_a_server(tmp_path: Path) -> None:
    """In another thread the server would end with that thread, which for Trio's is ten idle seconds."""

    def start() -> None:
        launch(["/bin/true"], account_for(tmp_path), tmp_path / "output")

    with pytest.raises(RuntimeError, match="by its main thread"):
        await trio.to_thread.run_sync(start)


def test_of_the_log_only_the_newest_files_are_kept(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.log.mkdir()
    names = [f"2026-01-{day:02}T000000.log" for day in range(1, 10)]
    for name in names:
        (folder.log / name).touch()
    folder.prune_log()
    assert sorted(path.name for path in folder.log.iterdir()) == names[-5:]
