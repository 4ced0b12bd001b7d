"""The control socket against everybody and everything that could harm the system through it."""

from __future__ import annotations

import json
import os
import socket
import stat
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import ConfigError
from runtime.control import OPERATORS, PATIENCE, serve_control
from runtime.control_client import NobodyThere, Refused, stacks, status, top

from .controlled import controlled
from .kit import Note, sample


async def raw(path: Path, line: bytes) -> dict[str, str]:
    """What is answered to a line as it is."""
    async with await trio.open_unix_socket(path) as stream:
        await stream.send_all(line)
        answer: dict[str, str] = json.loads(await stream.receive_some())
        return answer


def name_too_long_for_the_kernel(folder: Path) -> Path:
    deep = folder / ("deep" * 40)
    deep.mkdir()
    return deep / "control.sock"


def exists(path: Path) -> bool:
    return path.exists()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def open_up(path: Path) -> None:
    """Let everybody reach the socket, as a careless operator might."""
    path.chmod(0o666)
    path.parent.chmod(0o711)


@pytest.mark.parametrize(
    "line",
    [
        b"status\n",
        b"[]\n",
        b'{"command": 3}\n',
        b"\xff\n",
        b"\n",
        b'{"command": "status", "nmae": 1}\n',
        b"x" * 5000,
    ],
)
async def test_nonsense_is_answered_and_harms_nobody(path: Path, line: bytes) -> None:
    async with controlled(path):
        assert (await raw(path, line))["error"].startswith("expected one line")
        assert (await raw(path, b'{"command": "restart"}\n'))["error"] == "restart needs the name of an actor"
        await status(path)


async def test_a_command_that_fails_by_a_defect_of_ours_harms_nobody(
    path: Path, monkeypatch: pytest.MonkeyPatch, reports: list[dict[str, object]]
) -> None:
    async with controlled(path) as system:
        with monkeypatch.context() as patch:
            patch.setattr(system, "stacks", lambda: 1 // 0)
            with pytest.raises(Refused, match="before it answered"):
                await stacks(path)
        await stacks(path)
    assert [entry["event"] for entry in reports if entry["log_level"] == "error"] == ["a command failed"]


@pytest.mark.requirement("O3")
async def test_only_the_owner_may_open_the_socket(path: Path) -> None:
    async with controlled(path):
        assert mode(path) == 0o600
    assert not exists(path)


@pytest.mark.requirement("O3")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
async def test_another_user_is_refused_even_where_the_file_would_let_them_in(path: Path) -> None:
    client = (
        "import os, socket, sys; s = socket.socket(socket.AF_UNIX); os.chdir(sys.argv[1]); os.setuid(65534)\n"
        "s.connect('control.sock'); print(s.recv(10**6).decode())"
    )
    command = [sys.executable, "-c", client, str(path.parent)]
    async with controlled(path):
        closed = await trio.run_process(command, check=False, capture_stderr=True)
        assert b"PermissionError" in closed.stderr
        open_up(path)
        open_file = await trio.run_process(command, capture_stdout=True)
        assert json.loads(open_file.stdout) == {"error": "only the user who runs the system may command it"}


async def test_a_socket_left_behind_by_a_kill_is_taken_over(path: Path) -> None:
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    async with controlled(path):
        await status(path)


async def test_a_place_that_is_not_to_be_had_is_refused_and_left_alone(path: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("precious")
    public = tmp_path / "public"
    public.mkdir()
    public.chmod(0o777)
    async with controlled(path) as system:
        for place, reason in (
            (path, "another process listens on"),
            (file, "is not a socket"),
            (public / "control.sock", "everybody may write into"),
            (tmp_path / "nowhere" / "control.sock", "cannot be made .No such file or directory"),
        ):
            with pytest.raises(ConfigError, match=reason), trio.fail_after(5):
                await serve_control(system, place)
        await status(path)
    assert file.read_text() == "precious"


async def test_where_nobody_listens_the_operator_is_told_so(path: Path, tmp_path: Path) -> None:
    for place in (path, tmp_path / "nowhere" / "control.sock"):
        with pytest.raises(NobodyThere, match="is the system running"):
            await status(place)


async def test_a_path_that_is_too_long_for_the_kernel_is_reached_all_the_same(tmp_path: Path) -> None:
    path = name_too_long_for_the_kernel(tmp_path)
    async with controlled(path):
        assert path.is_socket()
        await status(path)


async def test_who_says_nothing_is_dropped(path: Path, autojump_clock: MockClock) -> None:
    async with controlled(path), await trio.open_unix_socket(path) as silent:
        with trio.fail_after(PATIENCE + 1):
            assert await silent.receive_some() == b""


async def test_who_does_not_read_is_dropped_and_holds_up_nobody(
    path: Path, autojump_clock: MockClock
) -> None:
    journal: list[str] = []
    async with controlled(path, sample("a", journal)) as system:
        async with await trio.open_unix_socket(path) as deaf:
            await deaf.send_all(b'{"command": "trace", "name": "a"}\n')
            await wait_all_tasks_blocked()
            for value in range(20_000):
                await system.ref("a").send(Note(value))
            assert len(journal) >= 19_000
            await status(path)
            with trio.fail_after(PATIENCE + 1):
                with pytest.raises(trio.BrokenResourceError):  # noqa: PT012 - the system closes; when is the kernel's
                    while True:
                        await deaf.send_all(b" ")
                        await trio.sleep(0.1)
        await wait_all_tasks_blocked()
        assert system.ref("a")._cell.taps == ()


async def test_operators_are_limited_in_number_and_leaving_makes_room(path: Path) -> None:
    async with controlled(path):
        async with trio.open_nursery() as nursery, AsyncExitStack() as stack:
            for _ in range(OPERATORS):
                snapshots = await stack.enter_async_context(top(path))
                await anext(snapshots)
            with pytest.raises(Refused, match=f"{OPERATORS} operators are connected already"):
                await status(path)
            nursery.cancel_scope.cancel()
        with trio.fail_after(5):
            while True:
                try:
                    await status(path)
                except Refused:
                    await trio.sleep(0.001)  # the others' leaving arrives by the kernel
                else:
                    break


async def test_a_system_that_answers_in_another_way_is_told_from_one_that_refuses(path: Path) -> None:
    async def answer(stream: trio.SocketStream) -> None:
        async with stream:
            await stream.receive_some()
            await stream.send_all(b'{"answer": {"pid": "seven"}}\n')

    sock = trio.socket.socket(socket.AF_UNIX)
    await sock.bind(str(path))
    sock.listen()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, answer, [trio.SocketListener(sock)])
        with pytest.raises(Refused, match="of another version"):
            await status(path)
        nursery.cancel_scope.cancel()
