"""The embedded server's life: first start, next start, who may come in, what is refused, and the end."""

# ruff: noqa: ASYNC221  (files and processes are the subject, and nothing else is on the loop)

import os
import subprocess
from pathlib import Path

import psycopg
import pytest
import trio

from storage.embedded.account import account_for
from storage.embedded.cluster import ClusterUnusable
from storage.embedded.folder import DataFolder, DataFolderInUse, DataFolderUnusable
from storage.embedded.process import launch
from storage.embedded.programs import installed_programs
from storage.embedded.server import ServerFailed, open_embedded, start_embedded
from tests.storage.embedded_clusters import is_deserted, notes, owner, programs_of, show, write


async def test_the_first_start_makes_the_database_and_the_next_finds_its_data(data_folder: Path) -> None:
    told: list[str] = []
    async with open_embedded(data_folder, on_progress=told.append) as server:
        write(server.conninfo(), "kept")
    async with open_embedded(data_folder, on_progress=told.append) as server:
        assert notes(server.conninfo()) == ["kept"]
    told = [
        line for line in told if not line.startswith("copying PostgreSQL's programs")
    ]  # a private checkout
    assert told == [f"making a PostgreSQL 18 database in {data_folder}"]


async def test_the_database_is_made_as_promised(data_folder: Path) -> None:
    async with open_embedded(data_folder) as server:
        conninfo = server.conninfo()
        assert show(conninfo, "data_checksums") == "on"
        assert show(conninfo, "listen_addresses") == ""
        assert show(conninfo, "server_encoding") == "UTF8"
        assert show(conninfo, "fsync") == "on"
        with psycopg.connect(conninfo) as connection:
            sql = "SELECT datlocprovider, datlocale FROM pg_database WHERE datname = 'turnpike'"
            assert connection.execute(sql).fetchone() == ("b", "C.UTF-8")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has another account to run the server as")
async def test_as_root_the_server_runs_as_another_account_and_lets_that_account_not_in(
    data_folder: Path,
) -> None:
    async with open_embedded(data_folder, settings={"unix_socket_permissions": "0777"}) as server:
        uid = Path(f"/proc/{server.pid}").stat().st_uid
        assert uid == account_for(Path("/nonexistent")).uid != 0
        attempt = subprocess.run(
            [programs_of(data_folder) / "psql", server.conninfo()],
            user=uid,
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        assert 'Peer authentication failed for user "turnpike"' in attempt.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="without root, every other test here shows it")
def test_without_root_the_server_runs_as_ourselves(data_folder: Path) -> None:
    nobody = account_for(Path("/nonexistent")).uid
    data_folder.mkdir(mode=0o700)
    os.chown(data_folder, nobody, nobody)
    with owner(data_folder / "data", user=nobody) as other:
        assert Path(f"/proc/{other.server_pid}").stat().st_uid == nobody
        write(other.conninfo, "root may come in, too")


async def test_the_server_gets_neither_our_terminal_nor_our_environment(
    data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TURNPIKE_BOT_TOKEN", "secret-word")
    async with open_embedded(data_folder) as server:
        assert os.getsid(server.pid) == server.pid
        assert b"secret-word" not in Path(f"/proc/{server.pid}/environ").read_bytes()


async def test_stopping_leaves_no_process_and_may_be_repeated(data_folder: Path) -> None:
    server = await start_embedded(data_folder)
    await server.stop()
    await server.stop()
    assert is_deserted(data_folder)


async def test_a_second_start_is_refused_at_once_and_names_the_first(data_folder: Path) -> None:
    async with open_embedded(data_folder):
        with trio.fail_after(1), pytest.raises(DataFolderInUse, match=f"in use by process {os.getpid()}:"):
            await start_embedded(data_folder)


async def test_data_of_another_major_version_are_refused_in_one_sentence(data_folder: Path) -> None:
    (data_folder / "cluster").mkdir(parents=True)
    (data_folder / "cluster" / "PG_VERSION").write_text("16\n")
    with pytest.raises(ClusterUnusable, match="are of PostgreSQL 16, and this version of turnpike brings"):
        await start_embedded(data_folder)


async def test_a_cluster_folder_without_a_cluster_is_refused_in_one_sentence(data_folder: Path) -> None:
    (data_folder / "cluster").mkdir(parents=True)
    with pytest.raises(ClusterUnusable, match=r"does not hold the data of a PostgreSQL \(No such file"):
        await start_embedded(data_folder)


async def test_a_server_that_does_not_start_says_why_in_its_own_words(data_folder: Path) -> None:
    with pytest.raises(ServerFailed, match=r'did not start on .*FATAL:.*"shared_buffers": "plenty"'):
        await start_embedded(data_folder, settings={"shared_buffers": "plenty"})
    assert is_deserted(data_folder)


@pytest.mark.parametrize("name", ["a rather long name, ", "a name with \"quotes\" and 'apostrophes', "])
async def test_a_path_too_long_for_a_socket_gets_one_elsewhere_that_goes_with_the_server(
    data_folder: Path, name: str
) -> None:
    if '"' in name and account_for(data_folder).obstacle(installed_programs()) is not None:
        pytest.skip("the programs have to be copied there, and initdb does not find them behind a quote")
    deep = data_folder / (name * 6)
    async with open_embedded(deep) as server:
        host = Path(str(psycopg.conninfo.conninfo_to_dict(server.conninfo())["host"]))
        assert deep not in host.parents
        assert host.stat().st_mode & 0o777 == 0o700
        write(server.conninfo(), "connected")
    assert not host.exists()


async def test_a_socket_folder_that_somebody_else_made_is_not_used(data_folder: Path) -> None:
    deep = data_folder / ("x" * 100)
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
