"""Finalised purchases per second: turnpike's writer against the predecessor's design, on the same PostgreSQL.

    python -m bench.writer [--rounds 5] [--seconds 3] [--callers 512] [--folder /var/tmp]

Everybody does the same full work for a purchase: payment, ledger, promo code, two referral rewards, access and three
messages, with synchronous commit on. Ours is the `db_writer` actor with all that it guarantees beyond that; the peer is
asyncio with an asyncpg pool of 15 and a transaction with row locks for each purchase, on asyncio's own loop, and on
uvloop with everything in one function of the server. Rounds are interleaved; figures are medians, a ratio is the median
of the rounds'. CPU is of client and server together for one purchase: trust it where others share the machine.
"""

import argparse
import asyncio
import itertools
import shutil
import statistics
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from operator import attrgetter
from pathlib import Path

import psycopg
import structlog
import trio
import uvloop

from bench.selling import ours, peer
from bench.selling.machine import syncs_per_second
from bench.selling.orders import WORKLOADS, Order, Sold, Terms, Workload, orders
from storage.embedded.server import EmbeddedPostgres, start_embedded
from storage.migrate import migrate
from tests.fixtures.postgres import Database

OURS, PEER, BEST = "turnpike", "peer", "peer, uvloop, one function"

#: More orders than anybody could finalise in a second.
RATE_MAX = 8_000


@contextmanager
def server(folder: Path) -> Iterator[tuple[Database, str, int]]:
    """An embedded PostgreSQL with its own settings, durable: our database, the address of the peer's, the process."""

    async def start() -> EmbeddedPostgres:
        running = await start_embedded(folder / "data")
        await migrate(running.conninfo())
        return running

    running = trio.run(start)
    try:
        with psycopg.connect(running.conninfo(), autocommit=True) as owner:
            owner.execute("CREATE DATABASE peer")
            host = owner.info.host
        writer, reader = (running.conninfo(user=f"turnpike_{role}") for role in ("writer", "reader"))
        yield Database("turnpike", running.conninfo(), writer, reader), host, running.pid
    finally:
        trio.run(running.stop)


Contender = Callable[[list[Order]], Sold]


def contenders(database: Database, host: str, folder: Path, terms: Terms) -> dict[str, Contender]:
    def on(run: Callable[[Coroutine[object, object, Sold]], Sold], finalize: peer.Finalize) -> Contender:
        def sell(placed: list[Order]) -> Sold:
            asyncio.run(peer.place(host, placed))
            return run(peer.sell(host, placed, terms, finalize))

        return sell

    def sell_ours(placed: list[Order]) -> Sold:
        ours.place(database, placed)
        return ours.sell(database, folder, placed, terms)

    return {
        OURS: sell_ours,
        PEER: on(asyncio.run, peer.by_statements),
        BEST: on(uvloop.run, peer.by_function),
    }


def measure(folder: Path, rounds: int, callers: int, seconds: float) -> None:
    count = int(RATE_MAX * seconds)
    numbers = itertools.count(1, count)
    sold: dict[tuple[Workload, str], list[Sold]] = {}
    syncs: list[float] = []
    with server(folder) as (database, host, process):
        ours.prepare(database)
        asyncio.run(peer.prepare(host))
        selling = contenders(database, host, folder, Terms(seconds, callers, process))
        for _ in range(rounds):
            syncs.append(syncs_per_second(folder, 0.5))
            for workload in WORKLOADS:
                for name, sell in selling.items():
                    placed = orders(next(numbers), count, workload)
                    sold.setdefault((workload, name), []).append(sell(placed))
    print(f"{callers} callers at once; fdatasync on this disk: {statistics.median(syncs):,.0f}/s")
    for workload in WORKLOADS:
        report(workload, {name: sold[workload, name] for name in selling})


def report(workload: Workload, sold: dict[str, list[Sold]]) -> None:
    """Medians of the rounds; the last columns say how many times more turnpike sells, by the clock and by CPU time."""
    print(
        f"\n{workload.name:<28}{'per second':>12}{'p50':>10}{'p99':>10}{'CPU':>10}{'others':>9}{'rate':>8}{'CPU':>7}"
    )
    for name, rounds in sold.items():
        rate, cpu, others = (
            statistics.median(map(attrgetter(what), rounds)) for what in ("rate", "cpu", "others")
        )
        p50, p99 = (statistics.median(each.percentile(at) for each in rounds) * 1000 for at in (0.5, 0.99))
        pairs = list(zip(sold[OURS], rounds, strict=True))
        more = statistics.median(our.rate / their.rate for our, their in pairs)
        cheaper = statistics.median(their.cpu / our.cpu for our, their in pairs)
        print(
            f"{name:<28}{rate:12,.0f}{p50:7.1f} ms{p99:7.1f} ms{cpu * 1e6:7.0f} µs{others:9.1f}"
            f"{more:7.1f}x{cheaper:6.1f}x"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each contender in each round")
    parser.add_argument("--callers", type=int, default=512, help="who wait for an answer at the same time")
    parser.add_argument(
        "--folder", type=Path, default=Path(tempfile.gettempdir()), help="on the disk to measure"
    )
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    folder = Path(tempfile.mkdtemp(prefix="turnpike-bench-", dir=arguments.folder))
    folder.chmod(0o711)
    try:
        measure(folder, arguments.rounds, arguments.callers, arguments.seconds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
