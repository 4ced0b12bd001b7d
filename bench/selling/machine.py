"""What the machine says: CPU time by process, how busy it is in all, and how often its disk makes a write durable."""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.fixtures.processes import descendants

_TICK = 1 / os.sysconf("SC_CLK_TCK")
_PAGE = bytes(8192)


@dataclass(slots=True)
class Cost:
    """Seconds of CPU: of this process, of the server, and of everybody else on the machine."""

    wall: float = 0
    client: float = 0
    server: float = 0
    others: float = 0


@contextmanager
def cost(server: int) -> Iterator[Cost]:
    """What the block costs; `server` is the process number of PostgreSQL."""
    found = Cost()
    server_before, everybody_before = _server(server), _everybody()
    client_before, begun = time.process_time(), time.perf_counter()
    yield found
    found.wall, found.client = time.perf_counter() - begun, time.process_time() - client_before
    found.server, everybody = _server(server) - server_before, _everybody() - everybody_before
    found.others = everybody - found.client - found.server


def _server(pid: int) -> float:
    """Of the server and its children, those that have ended included."""
    return sum(_ticks(pid)[:4]) * _TICK + sum(sum(_ticks(child)[:2]) for child in descendants(pid)) * _TICK


def _ticks(pid: int) -> list[int]:
    """User, system, and the same of children that were waited for; nothing if it has just ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return [0] * 4
    return [int(field) for field in fields[11:15]]


def _everybody() -> float:
    """User, nice, system, interrupts."""
    fields = Path("/proc/stat").read_text(encoding="utf-8").split("\n", 1)[0].split()
    user, nice, system, _, _, hard, soft = map(int, fields[1:8])
    return (user + nice + system + hard + soft) * _TICK


def syncs_per_second(folder: Path, seconds: float) -> float:
    """Overwrite one page of a preallocated file and `fdatasync` it, for that long, as a log of transactions does."""
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        descriptor = file.fileno()
        os.pwrite(descriptor, _PAGE * 2048, 0)
        os.fsync(descriptor)
        begun, count = time.perf_counter(), 0
        while time.perf_counter() - begun < seconds:
            os.pwrite(descriptor, _PAGE, count % 2048 * len(_PAGE))
            os.fdatasync(descriptor)
            count += 1
        return count / (time.perf_counter() - begun)
