"""The control socket: what an operator on the same machine may ask of a system that runs.

A unix socket that only its owner can open; one JSON object a line each way:

    {"command": "restart", "name": "vpn"}   ->   {"answer": null}   or   {"error": "no actor is named 'vpm'; did you …"}

The answer comes when the command is done, so a script knows how it ended.
"""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

import structlog
import trio

from .errors import ConfigError, ReloadFailed, UnknownActor
from .system import System

log = structlog.get_logger("runtime")

LONGEST_LINE = 65_536
"""Bytes of a request."""

COMMAND_TIMEOUT = 120.0
"""Seconds for one command: a restart may wait for a stop and a start."""


class Refused(Exception):
    """The command was not carried out. The text says why."""


class Control:
    """The commands, by name."""

    def __init__(self, system: System) -> None:
        self._system = system

    async def obey(self, request: object) -> object:
        """Carry out one request. Raises Refused."""
        if not isinstance(request, dict) or not isinstance(request.get("command"), str):
            raise Refused('expected an object such as {"command": "status"}')
        command, name = request["command"], request.get("name")
        system = self._system
        whole: dict[str, Callable[[], object]] = {
            "status": lambda: asdict(system.status()),
            "stacks": system.stacks,
            "stop": system.request_stop,
        }
        of_one: dict[str, Callable[[str], object]] = {
            "suspend": system.suspend,
            "resume": system.resume,
            "switch-on": lambda actor: system.switch(actor, on=True),
            "switch-off": lambda actor: system.switch(actor, on=False),
        }
        waited_for: dict[str, Callable[[str], Awaitable[object]]] = {
            "restart": system.restart,
            "reload": system.reload,
        }
        if command in whole:
            return whole[command]()
        if command not in of_one and command not in waited_for:
            raise Refused(f"unknown command {command!r}; known: {', '.join([*whole, *of_one, *waited_for])}")
        if not isinstance(name, str):
            raise Refused(f'{command} needs the name of an actor: {{"command": "{command}", "name": "…"}}')
        log.info("command", command=command, actor=name)
        try:
            return of_one[command](name) if command in of_one else await waited_for[command](name)
        except (UnknownActor, ReloadFailed, ValueError) as error:
            raise Refused(str(error.args[0] if error.args else error)) from error


async def serve_control(
    system: System, path: Path, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """Obey what comes over the socket at `path`, until cancelled. Raises ConfigError if the path is not to be had."""
    listener = await _listen(path)
    control = Control(system)
    try:
        task_status.started()
        await trio.serve_listeners(partial(_converse, control), [listener])
    finally:
        _remove(path)


async def ask(path: Path, command: str, name: str | None = None) -> object:
    """Ask the system whose socket is at `path`. Raises Refused with its reason, or if nobody listens there."""
    request = {"command": command} if name is None else {"command": command, "name": name}
    try:
        stream = await trio.open_unix_socket(path)
    except OSError as error:
        raise Refused(f"nobody listens on {path}: is the system running?") from error
    async with stream:
        await stream.send_all(json.dumps(request).encode() + b"\n")
        reply = b""
        with trio.move_on_after(COMMAND_TIMEOUT + 5) as patience:
            async for part in stream:
                reply += part
                if reply.endswith(b"\n"):
                    break
    if patience.cancelled_caught or not reply.endswith(b"\n"):
        raise Refused("the system did not answer")
    answer = json.loads(reply)
    if "error" in answer:
        raise Refused(answer["error"])
    return answer["answer"]


async def _listen(path: Path) -> trio.SocketListener:
    try:
        async with await trio.open_unix_socket(path):
            pass
    except ConnectionRefusedError:
        _remove(path)  # left behind by a process that was killed
    except FileNotFoundError:
        pass
    except OSError as error:
        raise ConfigError(f"control socket: {path} cannot be used: {error.strerror}") from error
    else:
        raise ConfigError(f"control socket: another process listens on {path}")
    sock = trio.socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        await sock.bind(str(path))
    except OSError as error:
        sock.close()
        raise ConfigError(f"control socket: {path} cannot be made: {error.strerror}") from error
    finally:
        os.umask(before)
    sock.listen()
    return trio.SocketListener(sock)


async def _converse(control: Control, stream: trio.SocketStream) -> None:
    async with stream:
        if _peer(stream) not in (0, os.getuid()):
            return
        received = b""
        try:
            async for part in stream:
                received += part
                while b"\n" in received:
                    line, _, received = received.partition(b"\n")
                    await stream.send_all(await _answer(control, line))
                if len(received) > LONGEST_LINE:
                    return
        except trio.BrokenResourceError:
            return  # the operator has left


async def _answer(control: Control, line: bytes) -> bytes:
    answer: dict[str, object]
    try:
        with trio.fail_after(COMMAND_TIMEOUT):
            answer = {"answer": await control.obey(json.loads(line))}
    except Refused as error:
        answer = {"error": str(error)}
    except ValueError:
        answer = {"error": "expected one JSON object a line"}
    except trio.TooSlowError:
        answer = {"error": f"not done within {COMMAND_TIMEOUT:g} s; it may still be"}
    return json.dumps(answer, default=str).encode() + b"\n"


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def _peer(stream: trio.SocketStream) -> int:
    """The user at the other end."""
    credentials = stream.socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, user, _ = struct.unpack("3i", credentials)
    return int(user)
