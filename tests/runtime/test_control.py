"""The control socket: commands that are carried out, and every way to ask badly."""

from __future__ import annotations

import json
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from runtime import ConfigError, System, Worker
from runtime.control import Refused, ask, serve_control

from .kit import Echo, actor, running, sample


class Idle(Worker):
    async def tick(self) -> None:
        pass


@asynccontextmanager
async def controlled(path: Path) -> AsyncIterator[System]:
    async with running(sample("a"), actor("w", Idle)) as system, trio.open_nursery() as nursery:
        await nursery.start(serve_control, system, path)
        yield system
        nursery.cancel_scope.cancel()


async def test_the_status_is_plain_data(tmp_path: Path) -> None:
    async with controlled(tmp_path / "ctl") as system:
        await system.ref("a").call(Echo(1))
        status = await ask(tmp_path / "ctl", "status")
        assert isinstance(status, dict)
        assert [(child["name"], child["state"]) for child in status["children"]] == [
            ("a", "running"),
            ("w", "running"),
        ]
        assert status["children"][0]["handled"] == 1


async def test_commands_are_done_when_they_are_answered(tmp_path: Path) -> None:
    async with controlled(tmp_path / "ctl") as system:
        assert await ask(tmp_path / "ctl", "restart", "a") is None
        assert await ask(tmp_path / "ctl", "suspend", "a") is None
        assert await ask(tmp_path / "ctl", "switch-off", "w") is None
        a, w = system.status().actors()
        assert (a.incarnations, a.suspended) == (2, True)
        assert w.worker is not None
        assert w.worker.switched_on is False
        await ask(tmp_path / "ctl", "resume", "a")
        await ask(tmp_path / "ctl", "switch-on", "w")
        assert await system.ref("a").call(Echo(1)) == 1
        stacks = await ask(tmp_path / "ctl", "stacks")
        assert isinstance(stacks, dict)
        assert set(stacks) == {"a", "w"}


async def test_a_stop_over_the_socket_drains(tmp_path: Path) -> None:
    async with controlled(tmp_path / "ctl") as system:
        await ask(tmp_path / "ctl", "stop")
        with trio.fail_after(5):
            await system.stopped.wait()


@pytest.mark.parametrize(
    ("command", "name", "reason"),
    [
        ("restart", "ab", r"no actor is named 'ab'; did you mean 'a'\?"),
        ("restart", None, "restart needs the name of an actor"),
        ("reload", "a", "a was not reloaded, its old code goes on: its factory is neither"),
        ("switch-off", "a", "a has no switch"),
        ("explode", "a", "unknown command 'explode'; known: status, stacks, stop"),
    ],
)
async def test_what_cannot_be_done_is_told_why(
    tmp_path: Path, command: str, name: str | None, reason: str
) -> None:
    async with controlled(tmp_path / "ctl") as system:
        with pytest.raises(Refused, match=reason):
            await ask(tmp_path / "ctl", command, name)
        assert await system.ref("a").call(Echo(1)) == 1


@pytest.mark.parametrize("line", [b"status\n", b"[]\n", b'{"command": 3}\n', b"\xff\n", b"\n"])
async def test_nonsense_is_answered_and_harms_nobody(tmp_path: Path, line: bytes) -> None:
    async with controlled(tmp_path / "ctl"), await trio.open_unix_socket(tmp_path / "ctl") as stream:
        await stream.send_all(line)
        assert json.loads(await stream.receive_some())["error"].startswith("expected")
        await stream.send_all(b'{"command": "stacks"}\n')
        assert b"answer" in await stream.receive_some()


async def test_a_line_without_an_end_is_cut_off(tmp_path: Path) -> None:
    async with controlled(tmp_path / "ctl"), await trio.open_unix_socket(tmp_path / "ctl") as stream:
        with pytest.raises(trio.BrokenResourceError):
            await stream.send_all(b"x" * 100_000_000)


async def test_only_the_owner_may_open_the_socket(tmp_path: Path) -> None:
    async with controlled(tmp_path / "ctl"):
        assert stat.S_IMODE((tmp_path / "ctl").stat().st_mode) == 0o600
    assert not (tmp_path / "ctl").exists()


async def test_a_socket_left_behind_by_a_kill_is_taken_over(tmp_path: Path) -> None:
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(tmp_path / "ctl"))
    dead.close()
    async with controlled(tmp_path / "ctl"):
        await ask(tmp_path / "ctl", "stacks")


async def test_a_socket_in_use_and_a_path_that_cannot_be_are_refused(tmp_path: Path) -> None:
    async with controlled(tmp_path / "ctl") as system:
        with pytest.raises(ConfigError, match="another process listens on"):
            await serve_control(system, tmp_path / "ctl")
        with pytest.raises(ConfigError, match="cannot be made: No such file or directory"):
            await serve_control(system, tmp_path / "nowhere" / "ctl")


async def test_where_nobody_listens_the_operator_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="is the system running"):
        await ask(tmp_path / "ctl", "status")
