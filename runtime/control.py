"""The control socket: how an operator on the same machine reaches a system that runs.

A unix socket that only its owner can open. One connection carries one request and what is answered to it, each a JSON
object on a line of its own:

    {"command": "restart", "name": "vpn"}   ->   {"answer": {...}}   or   {"error": "no actor is named …"}

A question of which nobody knows what became is answered by `unanswered` in the place of `error`.
`top` and `trace` answer line after line, until the operator leaves. `ask` puts its `body` to an actor, as an `Ask`.
Nobody waits for an operator: each conversation is a task of its own, and one who does not read is dropped.
"""

from __future__ import annotations

import os
import re
import socket
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
import structlog
import trio

from .commands import STREAMS, Commands, Refused, Request, Unanswered
from .errors import ConfigError
from .system import System

log = structlog.get_logger("runtime")

LONGEST_REQUEST: Final = 4096
"""Bytes of a request that is not a question to an actor."""

LONGEST_QUESTION: Final = 1024 * 1024
"""Bytes of a request that is one."""

_QUESTION: Final = re.compile(rb'\s*{\s*"command"\s*:\s*"ask"')
"""How one begins: the command must come first in it, so that its length is known before it is read."""

OPERATORS: Final = 16
"""How many may be connected at once."""

PATIENCE: Final = 5.0
"""Seconds for an operator to say what they want, and to read each line of the answer."""


async def serve_control(
    system: System, path: Path, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """Obey what comes over a socket at `path` until the system has stopped; then the socket is removed.

    A socket that a killed predecessor has left is replaced. Raises ConfigError if the place is not to be had: somebody
    listens there, something else lies there, or everybody may write into its folder.
    """
    listener = await _listen(path)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_leave_with, system, nursery.cancel_scope)
            converse = partial(_converse, Commands(system), trio.CapacityLimiter(OPERATORS))
            nursery.start_soon(trio.serve_listeners, converse, [listener])
            task_status.started()
    finally:
        _remove(path)


@contextmanager
def reachable(path: Path) -> Iterator[str]:
    """A short name for the socket at `path`: the kernel takes 107 bytes, and a data folder may lie deeper than that."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


async def _listen(path: Path) -> trio.SocketListener:
    try:
        if _left_over(path):
            if await _is_alive(path):
                raise ConfigError(f"control socket: another process listens on {path}")
            _remove(path)
        return _bind(path)
    except OSError as error:
        raise ConfigError(f"control socket: {path} cannot be made ({error.strerror})") from error


def _left_over(path: Path) -> bool:
    """See that the folder is no public place; true if a socket lies at `path` already."""
    folder = path.parent.stat()
    if folder.st_mode & 0o002:
        raise ConfigError(
            f"control socket: everybody may write into {path.parent}, expected a folder of one's own"
        )
    try:
        there = path.lstat()
    except FileNotFoundError:
        return False
    if not stat.S_ISSOCK(there.st_mode):
        raise ConfigError(f"control socket: {path} is there and is not a socket; move it away")
    return True


async def _is_alive(path: Path) -> bool:
    """True if somebody listens at `path`; a predecessor that was killed does not."""
    try:
        with reachable(path) as name:
            stream = await trio.open_unix_socket(name)
    except ConnectionRefusedError:
        return False
    await stream.aclose()
    return True


def _bind(path: Path) -> trio.SocketListener:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # Before it has a name: the file is made with this mode, and there is no moment in which others could open it.
        os.fchmod(sock.fileno(), 0o600)
        with reachable(path) as name:
            sock.bind(name)
        sock.listen()
        return trio.SocketListener(trio.socket.from_stdlib_socket(sock))
    except OSError:
        sock.close()
        raise


async def _leave_with(system: System, scope: trio.CancelScope) -> None:
    await system.stopped.wait()
    scope.cancel()


async def _converse(commands: Commands, seats: trio.CapacityLimiter, stream: trio.SocketStream) -> None:
    """One request and its answer. Whatever goes wrong in it must not reach the system that the operator looks at."""
    async with stream:
        try:
            await _answer(commands, seats, stream)
        except* (trio.BrokenResourceError, trio.TooSlowError):
            pass  # the operator has left, or does not listen
        except* Exception:
            log.exception("a command failed")


async def _answer(commands: Commands, seats: trio.CapacityLimiter, stream: trio.SocketStream) -> None:
    try:
        if (user := _peer(stream)) not in (0, os.geteuid()):
            log.warning("operator refused", user=user)
            raise Refused("only the user who runs the system may command it")
        try:
            seats.acquire_nowait()
        except trio.WouldBlock:
            raise Refused(f"{OPERATORS} operators are connected already, and that is the limit") from None
        try:
            await _carry_out(commands, await _read_request(stream), stream)
        finally:
            seats.release()
    except* Refused as refusals:
        refusal = refusals.exceptions[0]
        await _say(stream, "unanswered" if isinstance(refusal, Unanswered) else "error", str(refusal))


async def _carry_out(commands: Commands, request: Request, stream: trio.SocketStream) -> None:
    """An order is carried out even if the operator leaves; a stream ends with them."""
    say = partial(_say, stream, "answer")
    if request.command not in STREAMS:
        await commands.carry_out(request, say)
        return
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_until_gone, stream, nursery.cancel_scope)
        await commands.carry_out(request, say)


async def _read_request(stream: trio.SocketStream) -> Request:
    received = bytearray()
    with trio.fail_after(PATIENCE):
        while not received.endswith(b"\n") and len(received) <= _longest(received):
            part = await stream.receive_some()
            if not part:
                raise trio.BrokenResourceError
            received += part
    if len(received) > (longest := _longest(received)):
        raise Refused(f"expected one line of at most {longest} bytes, and this one is longer")
    try:
        return msgspec.json.decode(received, type=Request)
    except msgspec.DecodeError as error:
        raise Refused(f'expected one line such as {{"command": "status"}}: {error}') from error


def _longest(received: bytearray) -> int:
    """How many bytes may come, by what has."""
    return LONGEST_QUESTION if _QUESTION.match(received) else LONGEST_REQUEST


async def _until_gone(stream: trio.SocketStream, scope: trio.CancelScope) -> None:
    """A stream's operator has nothing more to say, so all that can come is their end."""
    while await stream.receive_some():
        pass
    scope.cancel()


async def _say(stream: trio.SocketStream, kind: str, what: object) -> None:
    with trio.fail_after(PATIENCE):
        await stream.send_all(msgspec.json.encode({kind: what}) + b"\n")


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def _peer(stream: trio.SocketStream) -> int:
    """The user at the other end."""
    credentials = stream.socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, user, _ = struct.unpack("3i", credentials)
    return int(user)
