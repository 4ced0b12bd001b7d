"""Child processes that end with us, and waiting for processes without polling and without threads.

`subprocess.Popen` from the main thread, not `trio.lowlevel.open_process`: that forks in a worker thread, and the
kernel sends the parent-death signal when the forking *thread* ends, which for Trio's workers is ten idle seconds.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import trio

from storage.embedded import child
from storage.embedded.account import Account

_ENVIRONMENT: Final = {"LC_ALL": "C", "PATH": os.defpath}
"""Not ours: that may hold secrets, and PG* variables that would change what the programs do."""


def launch(command: Sequence[str | Path], account: Account, output: Path) -> subprocess.Popen[bytes]:
    """Start `command` as `account`, in a session of its own, so that Ctrl-C in our terminal is ours to handle.

    What it prints goes to the file `output`, which is begun anew.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("a child that is to end with the process must be started by its main thread")
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        wrapper = [sys.executable, "-I", "-S", child.__file__]
        identity = [str(os.getpid()), str(account.uid), str(account.gid)]
        return subprocess.Popen(
            [*wrapper, *identity, *command],
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=_ENVIRONMENT,
            start_new_session=True,
        )
    finally:
        os.close(descriptor)


async def wait_exit(process: subprocess.Popen[bytes]) -> int:
    """Wait until a child of ours has ended; gives its status (negative: the signal that ended it)."""
    if process.poll() is None:
        descriptor = os.pidfd_open(process.pid)
        try:
            await wait_pidfd(descriptor)
        finally:
            os.close(descriptor)
    return process.wait()


async def wait_pidfd(descriptor: int) -> None:
    """Wait until the process behind a pidfd has ended; it need not be a child of ours."""
    await trio.lowlevel.wait_readable(descriptor)


async def end(process: subprocess.Popen[bytes], steps: Sequence[tuple[signal.Signals, float]]) -> int:
    """End a child with each of `steps`, a signal and how many seconds it gets, and with SIGKILL after the last.

    Goes on through a cancellation: the child must not stay. Gives its status.
    """
    with trio.CancelScope(shield=True):
        for number, seconds in steps:
            process.send_signal(number)
            with trio.move_on_after(seconds):
                await wait_exit(process)
                break
        process.kill()  # does nothing if it has ended
        await wait_exit(process)
    return process.wait()
