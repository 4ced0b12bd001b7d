"""An Xray in a process of its own, for as long as an `async with` lasts.

The binding ends its whole process when a configuration is bad and has no way to stop, so it cannot live in ours.
The process is started from the thread that runs Trio, not from a worker thread: the kernel's death signal follows
the *thread* that forked, and a worker thread retires. Its end is awaited through a pidfd, without polling and
without SIGCHLD.
"""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

import msgspec
import trio

from integrations.xray import child
from integrations.xray.roster import write_config
from integrations.xray.stream import Config

#: Seconds that an Xray gets to stop by itself; it needs milliseconds.
STOP_SECONDS: Final = 3.0

#: Spliced bytes are counted when their connection ends: a quota would be overrun, and a crash would lose them.
_COUNT_LIVE: Final = {"XRAY_BUF_SPLICE": "disable"}

_READY_POLL_SECONDS: Final = 0.01
_CLIENTS_A_SECOND_MIN: Final = 2000
_LOG_BYTES_MAX: Final = 1 << 20
_PACKAGE_ROOT: Final = Path(__file__).parents[2]


class XrayStartFailed(Exception):
    """Xray did not come up; the message is one sentence with the reason and what to do."""


class XrayBusy(XrayStartFailed):
    """Something else has the node's lock, its port or its API socket."""


class _Listener(msgspec.Struct):
    listen: str
    port: int = 0


class _Log(msgspec.Struct):
    access: str = ""


class _Doors(msgspec.Struct):
    """The part of a configuration that says where Xray can be reached and what it tells."""

    inbounds: list[_Listener]
    api: _Listener | None = None
    log: _Log = msgspec.field(default_factory=_Log)


class XrayProcess:
    """A running Xray."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        """Take over a process that was just started."""
        self.name = name
        self.pid = process.pid
        self.log = log
        self._process = process
        self._pidfd = os.pidfd_open(process.pid)

    async def wait_dead(self) -> str:
        """Wait until the process has ended, by itself or by a signal; return a sentence that says how."""
        await self._ended()
        return f"Xray {self.name!r} ended: {_how(self._process.wait())}; its log is {self.log}"

    def returncode(self) -> int | None:
        """The exit status as `subprocess` writes it (negative for a signal), None while it runs."""
        return self._process.poll()

    async def stop(self) -> None:
        """End the process: SIGTERM, then SIGKILL after `STOP_SECONDS`. Cannot be cancelled, only waited for."""
        with trio.CancelScope(shield=True):
            for ending in (signal.SIGTERM, signal.SIGKILL):
                self._process.send_signal(ending)
                with trio.move_on_after(STOP_SECONDS):
                    await self._ended()
                    break
        self._process.wait()
        os.close(self._pidfd)

    async def _ended(self) -> None:
        # Trio allows one waiter for each descriptor, and several tasks may wait for one process.
        descriptor = os.dup(self._pidfd)
        try:
            await trio.lowlevel.wait_readable(descriptor)
        finally:
            os.close(descriptor)


@asynccontextmanager
async def open_xray(
    config: Config,
    *,
    name: str,
    folder: Path,
    clients: AsyncIterable[bytes] | None = None,
    start_within: float = 15.0,
) -> AsyncIterator[XrayProcess]:
    """Run a real Xray with this configuration; inside the block it accepts connections.

    `clients` are the users of its first inbound if they are many, as `clients_of` makes them: a node that has them in
    its configuration has them from its first moment, 100,000 in a few seconds.

    `folder` gets `NAME.json` (readable by the owner only), `NAME.lock` and `NAME.log`. Raises `XrayStartFailed` if
    it does not come up within `start_within` seconds and one more for each 2,000 clients, `XrayBusy` if another one
    is in the way. If the process ends inside the block, nothing is raised: that is what `wait_dead` is for.
    """
    await trio.to_thread.run_sync(partial(folder.mkdir, mode=0o700, parents=True, exist_ok=True))
    count = await write_config(folder / f"{name}.json", config, clients)
    start_within += count / _CLIENTS_A_SECOND_MIN
    doors = msgspec.convert(config, _Doors)
    process = _start(folder, name, doors)
    xray = XrayProcess(name, process, folder / f"{name}.log")
    try:
        with trio.move_on_after(start_within) as deadline:
            await _started(xray, process, doors)
        if deadline.cancelled_caught:
            raise XrayStartFailed(f"Xray {name!r} was not ready within {start_within:g} s, see {xray.log}")
        yield xray
    finally:
        await xray.stop()


def _start(folder: Path, name: str, doors: _Doors) -> subprocess.Popen[bytes]:
    """Start the child with an environment that holds none of our secrets, out of reach of the terminal's Ctrl-C."""
    arguments = [str(folder / f"{name}.json"), str(os.getpid()), msgspec.json.encode(doors).decode()]
    with _open_log(folder / f"{name}.log") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "integrations.xray.child", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            env={"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(_PACKAGE_ROOT)} | _COUNT_LIVE,
            start_new_session=True,
        )


def _open_log(path: Path) -> BinaryIO:
    """Append to the log; start a new one when it has grown, keeping the last."""
    if path.exists() and path.stat().st_size > _LOG_BYTES_MAX:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab")


async def _started(xray: XrayProcess, process: subprocess.Popen[bytes], doors: _Doors) -> None:
    """Return when Xray accepts connections: its API comes up last, after every inbound."""
    report = await _report(process)
    if report and report != child.STARTING:
        raise XrayBusy(f"Xray {xray.name!r} did not start: {report}")
    while process.poll() is None:
        if await _accepts(doors):
            return
        await trio.sleep(_READY_POLL_SECONDS)
    raise XrayStartFailed(f"Xray {xray.name!r} did not start: {_how(process.wait())}, see {xray.log}")


async def _report(process: subprocess.Popen[bytes]) -> str:
    """Read what the child says before it becomes Xray, up to the end of its standard output."""
    assert process.stdout is not None
    with process.stdout:
        stream = trio.lowlevel.FdStream(os.dup(process.stdout.fileno()))
    async with stream:
        return b"".join([part async for part in stream]).decode(errors="replace")


async def _accepts(doors: _Doors) -> bool:
    try:
        if doors.api is not None:
            stream: trio.SocketStream = await trio.open_unix_socket(doors.api.listen)
        else:
            stream = await trio.open_tcp_stream(doors.inbounds[0].listen, doors.inbounds[0].port)
    except OSError:
        return False
    await trio.aclose_forcefully(stream)
    return True


def _how(status: int) -> str:
    """An exit status in words; the binding gives two of its own and no text with them."""
    if status in (0, -signal.SIGTERM):
        return "it was asked to stop"
    if status < 0:
        return f"killed by {signal.Signals(-status).name}"
    if status == child.CONFIG_REFUSED:
        return "Xray refuses its configuration and does not say why"
    if status == child.CANNOT_LISTEN:
        return "Xray could not open an inbound or its API socket"
    return f"exit status {status}"
