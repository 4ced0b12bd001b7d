"""Changes of users per second on one real Xray, and what the complete list of 100,000 costs.

    python -m bench.access [--users 2000] [--list 100000]

Every change is one `ensure` or `absent` of the driver on a node that knows nothing of it yet, so it is one call
over gRPC. Rounds are interleaved and the median is taken. CPU time is the number to trust: client and node
share the machine, and wall time depends on what else it does.
"""

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import UUID

import trio

from integrations.xray.driver import XrayDriver, open_driver
from integrations.xray.node import Node, NodeUser, server_config
from integrations.xray.process import XrayProcess, open_xray
from integrations.xray.transport import VISION

AT_ONCE = (1, 16, 64)
#: Nobody connects to these; the benchmark only changes who could.
PORTS = iter((18443, 18444))
ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Cost:
    """What one round took, in seconds."""

    wall: float
    client_cpu: float
    node_cpu: float


def make_users(count: int) -> list[NodeUser]:
    """Users as a shop has them: 117 bytes each on the wire."""
    return [
        NodeUser(f"s{number:08}.0123456789abcd", UUID(int=number << 80 | 1), VISION)
        for number in range(count)
    ]


def node_cpu(xray: XrayProcess) -> float:
    """Seconds of CPU that the node has used so far."""
    fields = Path(f"/proc/{xray.pid}/stat").read_text().rpartition(")")[2].split()
    user, system = int(fields[11]), int(fields[12])
    return (user + system) / 100


async def measured(xray: XrayProcess, work: Callable[[], Awaitable[object]]) -> Cost:
    wall, client, node = time.perf_counter(), time.process_time(), node_cpu(xray)
    await work()
    return Cost(time.perf_counter() - wall, time.process_time() - client, node_cpu(xray) - node)


async def spread(changes: Iterable[Callable[[], Awaitable[None]]], at_once: int) -> None:
    """Carry out all changes, that many under way at a time."""
    waiting = iter(changes)

    async def carry_out() -> None:
        for change in waiting:
            await change()

    async with trio.open_nursery() as nursery:
        for _ in range(at_once):
            nursery.start_soon(carry_out)


async def bench_changes(driver: XrayDriver, xray: XrayProcess, count: int) -> None:
    users = make_users(count)
    costs: dict[tuple[str, int], list[Cost]] = {}
    for _ in range(ROUNDS):
        for at_once in AT_ONCE:
            adding = partial(spread, [partial(driver.ensure, user) for user in users], at_once)
            removing = partial(spread, [partial(driver.absent, user.email) for user in users], at_once)
            costs.setdefault(("ensure", at_once), []).append(await measured(xray, adding))
            costs.setdefault(("absent", at_once), []).append(await measured(xray, removing))
    print(f"{'change':8} {'at once':>7} {'per second':>11} {'client CPU µs':>14} {'node CPU µs':>12}")
    for (name, at_once), rounds in sorted(costs.items()):
        rate, client, node = (
            statistics.median(getattr(cost, part) for cost in rounds)
            for part in ("wall", "client_cpu", "node_cpu")
        )
        print(
            f"{name:8} {at_once:7} {count / rate:11.0f} {client / count * 1e6:14.0f} {node / count * 1e6:12.0f}"
        )


async def bench_list(folder: Path, count: int) -> None:
    node = a_node(folder, "listed")
    config = await trio.to_thread.run_sync(
        partial(server_config, node, users=make_users(count), listen="127.0.0.1")
    )
    before = time.perf_counter()
    async with (
        open_xray(config, name=node.name, folder=folder, start_within=120) as xray,
        open_driver(node) as driver,
    ):
        print(f"start with {count:,} users in the configuration: {time.perf_counter() - before:.2f} s")
        longest = 0.0

        async def watch() -> None:
            nonlocal longest
            last = time.perf_counter()
            while True:
                await trio.lowlevel.checkpoint()
                now = time.perf_counter()
                last, longest = now, max(longest, now - last)

        memory = peak_mb()
        cost = await measured(xray, driver.users)
        print(
            f"list of {count:,}: {cost.wall:.2f} s, peak memory +{peak_mb() - memory:.0f} MB, "
            f"CPU: client {cost.client_cpu:.2f} s, node {cost.node_cpu:.2f} s"
        )
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch)
            await driver.users()
            nursery.cancel_scope.cancel()
        print(f"longest hold of the event loop meanwhile: {longest * 1000:.0f} ms")


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def a_node(folder: Path, name: str) -> Node:
    return Node(name=name, host="127.0.0.1", port=next(PORTS), api_socket=folder / f"{name}.sock")


async def main(users: int, listed: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        node = a_node(folder, "changed")
        async with (
            open_xray(server_config(node, listen="127.0.0.1"), name=node.name, folder=folder) as xray,
            open_driver(node, timeout=60) as driver,
        ):
            await bench_changes(driver, xray, users)
        await bench_list(folder, listed)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--users", type=int, default=2000)
    parser.add_argument("--list", type=int, default=100_000)
    arguments = parser.parse_args()
    trio.run(main, arguments.users, arguments.list)
