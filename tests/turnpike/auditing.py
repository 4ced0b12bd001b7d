"""turnpike, writing down whatever its event loop does that may wait for something else than the loop.

Python tells of such calls by audit events. For each there is a line of JSON: the event, its arguments, its moment on
the machine's monotonic clock, and the place in our own code that it came from.
"""

import json
import os
import socket
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final

import trio

from turnpike.__main__ import main

RECORD: Final = "TURNPIKE_TEST_AUDIT"
"""The variable of the environment that names the file."""

MAY_WAIT: Final = (
    *("fcntl.", "glob.", "http.client.", "open", "os.", "shutil.", "socket.", "sqlite3.", "subprocess."),
    "urllib.",
)
"""How the events begin that may wait for a disk, another process, another machine or a lock. That nobody just sleeps is
held by `tests/tidy`: of `time.sleep` not every Python tells."""

NEVER_WAIT: Final = ("os.kill", "os.killpg", "os.putenv", "os.unsetenv", "socket.__new__", "socket.bind")

_ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True)
class Call:
    """Something that may have held the loop."""

    event: str
    arguments: list[str]
    at: float
    """Seconds of `time.monotonic`."""
    where: str
    """The innermost function of ours, and its file."""


def watch(record: int) -> None:
    """Write down what this thread does from now on whenever it is in a task of Trio."""
    thread = threading.get_ident()

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if threading.get_ident() == thread and may_wait(event, arguments) and in_a_task():
            line = [event, [str(each) for each in arguments], time.monotonic(), place(sys._getframe(1))]
            os.write(record, json.dumps(line).encode() + b"\n")

    sys.addaudithook(hook)


def recorded(record: Path) -> list[Call]:
    """What was written down."""
    return [Call(*json.loads(line)) for line in record.read_text().splitlines()]


def may_wait(event: str, arguments: tuple[Any, ...]) -> bool:
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        return not isinstance(arguments[0], socket.socket) or arguments[0].getblocking()
    return event.startswith(MAY_WAIT) and event not in NEVER_WAIT


def in_a_task() -> bool:
    try:
        trio.lowlevel.current_task()
    except RuntimeError:
        return False
    return True


def place(frame: FrameType | None) -> str:
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(_ROOT) and ".venv" not in path.parts:
            return f"{frame.f_code.co_qualname} in {path.relative_to(_ROOT)}"
        frame = frame.f_back
    return "no code of ours"


if __name__ == "__main__":
    watch(os.open(os.environ[RECORD], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
    main(prog_name="turnpike")
