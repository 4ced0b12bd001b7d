"""What survives when we or the server are killed or cancelled, and what the next start finds of it."""

# ruff: noqa: ASYNC220  (files and processes are the subject, and nothing else is on the loop)

import os
import signal
import subprocess
from pathlib import Path

import pytest
import trio

from storage.addresses import DatabaseUnreachable
from storage.embedded import server as server_module
from storage.embedded.account import account_for
from storage.embedded.server import ServerFailed, open_embedded, start_embedded
from tests.storage.embedded_clusters import ends_within, is_deserted, left_running, notes, owner, write


async def test_a_first_start_that_is_cancelled_leaves_no_process_and_is_made_anew(data_folder: Path) -> None:
    with trio.CancelScope() as scope:
        await start_embedded(data_folder, on_progress=lambda _: scope.cancel())
    assert scope.cancelled_caught
    assert is_deserted(data_folder)
    async with open_embedded(data_folder) as server:
        write(server.conninfo(), "whole")


async def test_a_start_that_is_cancelled_before_the_server_is_ready_stops_it(
    data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cancelled(conninfo: str) -> None:
        scope.cancel()
        await trio.lowlevel.checkpoint()

    monkeypatch.setattr(server_module, "_ensure_database", cancelled)
    with trio.CancelScope() as scope:
        await start_embedded(data_folder)
    assert scope.cancelled_caught
    assert is_deserted(data_folder)


async def test_a_kill_9_of_ours_shuts_the_server_down_and_the_data_are_found_again(data_folder: Path) -> None:
    with owner(data_folder) as other:
        write(other.conninfo, "paid")
        other.process.kill()
        assert ends_within(other.server_pid, 2)
    log = "".join(path.read_text() for path in (data_folder / "log").iterdir())
    assert "database system is shut down" in log
    async with open_embedded(data_folder) as server:
        assert notes(server.conninfo()) == ["paid"]


async def test_a_start_right_after_a_kill_9_waits_for_the_predecessors_server(data_folder: Path) -> None:
    with owner(data_folder) as other:
        write(other.conninfo, "paid")
        other.process.kill()
        other.process.wait()
        async with open_embedded(data_folder) as server:
            assert server.pid != other.server_pid
            assert notes(server.conninfo()) == ["paid"]


async def test_a_server_that_was_left_running_is_stopped_first(data_folder: Path) -> None:
    async with open_embedded(data_folder) as server:
        write(server.conninfo(), "paid")
    told: list[str] = []
    with left_running(data_folder) as left:
        async with open_embedded(data_folder, on_progress=told.append) as server:
            assert left.poll() == 0
            assert notes(server.conninfo()) == ["paid"]
    assert told == ["stopping the PostgreSQL that a killed predecessor left running"]


async def test_a_server_that_crashes_is_noticed_and_the_next_start_recovers(data_folder: Path) -> None:
    server = await start_embedded(data_folder)
    try:
        write(server.conninfo(), "paid")
        os.kill(server.pid, signal.SIGKILL)
        with trio.fail_after(2):
            assert (await server.wait_dead()).startswith("PostgreSQL has ended with status -9: ")
    finally:
        await server.stop()
    async with open_embedded(data_folder) as server:
        assert notes(server.conninfo()) == ["paid"]


async def test_a_stale_process_number_that_somebody_else_has_now_is_no_obstacle(data_folder: Path) -> None:
    account = account_for(data_folder)
    async with open_embedded(data_folder):
        pid_file = data_folder / "cluster" / "postmaster.pid"
        stale = pid_file.read_text().split("\n", 1)[1]
    with subprocess.Popen(["sleep", "60"], user=account.uid if os.geteuid() == 0 else None) as stranger:
        pid_file.write_text(f"{stranger.pid}\n{stale}")
        async with open_embedded(data_folder) as server:
            write(server.conninfo(), "started")
        assert stranger.poll() is None
        stranger.kill()


async def test_a_first_start_that_was_killed_half_way_is_made_anew(data_folder: Path) -> None:
    data_folder.mkdir(mode=0o711)
    half = data_folder / "cluster.partial"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    async with open_embedded(data_folder) as server:
        write(server.conninfo(), "whole")


async def test_recovery_takes_its_time_and_tells_how_it_goes(
    data_folder: Path, monkeypatch: pytest.MonkeyPatch, mock_clock: trio.testing.MockClock
) -> None:
    """A server that is not ready for two minutes, each attempt to connect taking ten seconds."""

    async def not_ready(conninfo: str) -> None:
        mock_clock.rate = 1
        mock_clock.jump(10)
        raise DatabaseUnreachable("the database system is starting up")

    monkeypatch.setattr(server_module, "_ensure_database", not_ready)
    told: list[str] = []
    with pytest.raises(ServerFailed, match="was not ready within 120 s"):
        await start_embedded(data_folder, on_progress=told.append)
    assert len(told) > 10
    assert told[-1].startswith("PostgreSQL is getting ready: ")
