"""What the periodic scans of all workers cost: seconds for a page and for all pages, and the memory of the process.

    python -m bench.scans [--people 10000 1000000] [--rounds 3] [--folder /var/tmp]

A shop with so many subscriptions is made twice: one where nothing is due, as nearly always, and one where everything
is due for everybody at once, as after a long downtime. Each worker passes over everything in a process of its own;
whoever it would have do something answers at once that nothing was to be done, so what is measured is the scan: its
statements, and what the worker does with the rows. Figures are medians of the rounds. PostgreSQL runs on the same
machine; its memory is its own.
"""

import argparse
import logging
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter

import msgspec
import psycopg
import structlog
import trio
from psycopg.sql import SQL, Identifier

from bench.crowd import forget_peak, resident_mb
from storage.embedded.server import EmbeddedPostgres, start_embedded
from storage.migrate import migrate
from tests.actors.scanning import SCANNERS, Read, scan, scan_outbox
from tests.actors.statements import statements
from tests.fixtures.postgres import FAST, Database
from tests.storage.population import populate

STATES = {"due": True, "idle": False}


class Scan(msgspec.Struct):
    """One statement of a pass: how many pages and rows, and milliseconds for a page."""

    name: str
    pages: int
    rows: int
    median_ms: float
    slow_ms: float


class Pass(msgspec.Struct):
    """A pass of a worker over everything: its statements, its seconds, and the most memory of its process, in MB."""

    scans: list[Scan]
    seconds: float
    peak_mb: float


async def measure(worker: str, database: Database, people: int, folder: Path) -> Pass:
    """Have one worker pass over everything, in this process."""
    seconds: dict[str, list[float]] = defaultdict(list)
    rows: dict[str, int] = defaultdict(int)

    def hear(read: Read) -> None:
        seconds[read.sql].append(read.seconds)
        rows[read.sql] += len(read.rows)

    forget_peak()
    began = perf_counter()
    if worker == "sender":
        await scan_outbox(database, folder, hear)
    else:
        await scan(worker, database, folder, hear, people=people)
    took = perf_counter() - began
    scans = [
        Scan(statements()[sql], len(each), rows[sql], median(each) * 1000, _slow(each) * 1000)
        for sql, each in seconds.items()
    ]
    return Pass(scans, took, resident_mb("VmHWM"))


def _slow(seconds: list[float]) -> float:
    return quantiles(seconds, n=100)[98] if len(seconds) > 1 else seconds[0]


def measured(worker: str, database: Database, people: int) -> Pass:
    """The same in a process of its own."""
    command = [sys.executable, "-m", "bench.scans", "one", worker, str(people), *asdict(database).values()]
    found = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return msgspec.json.decode(found.stdout, type=Pass)


@contextmanager
def cluster(folder: Path) -> Iterator[EmbeddedPostgres]:
    server = trio.run(lambda: start_embedded(folder / "data", settings=FAST))
    try:
        yield server
    finally:
        trio.run(server.stop)


def make(server: EmbeddedPostgres, people: int, state: str) -> Database:
    """A database with so many people."""
    name = f"{state}_{people}"
    with psycopg.connect(server.conninfo("postgres"), autocommit=True) as administrator:
        administrator.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    roles = [server.conninfo(name, role) for role in ("turnpike_writer", "turnpike_reader")]
    database = Database(name, server.conninfo(name), *roles)
    trio.run(migrate, database.owner)
    began = perf_counter()
    populate(database, people, due=STATES[state])
    print(f"{people:,} people, {state}: made in {perf_counter() - began:.0f} s", flush=True)
    return database


def compare(worker: str, databases: dict[int, Database], rounds: int) -> None:
    """Print a worker's passes, the small shop beside the large one."""
    passes: dict[int, list[Pass]] = defaultdict(list)
    for _ in range(rounds):
        for people, database in databases.items():
            passes[people].append(measured(worker, database, people))
    for people, found in passes.items():
        print(
            f"{worker:24} {people:>9,} people: pass {median(each.seconds for each in found):8.2f} s, "
            f"peak memory {median(each.peak_mb for each in found):6.0f} MB"
        )
        for scans in zip(*(each.scans for each in found), strict=True):
            one = scans[0]
            slow = median(each.slow_ms for each in scans)
            print(
                f"    {one.name:34} {one.rows:>9,} rows, {one.pages:>6,} pages, "
                f"{median(each.median_ms for each in scans):8.2f} ms a page ({slow:.2f} at p99)"
            )
    small, large = (median(each.peak_mb for each in passes[people]) for people in sorted(passes))
    print(f"    memory: {large / small:.2f} times that of the small shop", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, nargs=2, default=[10_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp"))
    parser.add_argument("--workers", nargs="*", default=[*SCANNERS, "sender"])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        os.chmod(name, 0o711)  # as root, PostgreSQL runs as somebody else
        with cluster(Path(name)) as server:
            for state in STATES:
                databases = {people: make(server, people, state) for people in arguments.people}
                print(f"\n{state}")
                for worker in arguments.workers:
                    compare(worker, databases, arguments.rounds)


def one(worker: str, people: str, *database: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = trio.run(measure, worker, Database(*database), int(people), Path(folder))
    sys.stdout.buffer.write(msgspec.json.encode(found))


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    if sys.argv[1:2] == ["one"]:
        one(*sys.argv[2:])
    else:
        main()
