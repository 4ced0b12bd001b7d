"""Changes of users per second on one real Xray, ours against grpcio's, and what the complete list of 100,000 costs.

    python -m bench.access [--users 2000] [--list 100000]

Ours is the whole driver: its order for each user, its deadlines, its doubts. grpcio is the well-known library, with
nothing around it: generic stubs that send the same bytes, as many futures at a time; on Trio, where a task waits for
each, and as fast as it can be, from a thread that does nothing else. Every change is one call, on a node that knows
nothing of it yet. Rounds are interleaved and the median is taken. CPU time is the
number to trust: client and node share the machine, and wall time depends on what else it does.
"""

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from uuid import UUID

import grpc
import trio

from integrations.xray import messages
from integrations.xray.driver import XrayDriver, open_driver
from integrations.xray.node import Node, NodeUser, server_config
from integrations.xray.process import XrayProcess, open_xray
from integrations.xray.roster import clients_of
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


def a_user(number: int) -> NodeUser:
    """As a shop has them: 117 bytes on the wire."""
    return NodeUser(f"s{number:08}.0123456789abcd", UUID(int=number << 80 | 1), VISION)


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


class Peer:
    """grpcio with generic stubs."""

    def __init__(self, node: Node) -> None:
        self._tag = node.inbound_tag
        channel = grpc.insecure_channel(f"unix:{node.api_socket}")
        self._call = channel.unary_unary(messages.ALTER_INBOUND)

    async def add(self, users: Sequence[NodeUser], at_once: int) -> None:
        await trio.to_thread.run_sync(
            self._all, [messages.add_user(self._tag, user) for user in users], at_once
        )

    async def remove(self, users: Sequence[NodeUser], at_once: int) -> None:
        requests = [messages.remove_user(self._tag, user.email) for user in users]
        await trio.to_thread.run_sync(self._all, requests, at_once)

    async def change(self, request: bytes) -> None:
        """One change, for a task on Trio."""
        token, done = trio.lowlevel.current_trio_token(), trio.Event()
        future = self._call.future(request)
        future.add_done_callback(lambda _: token.run_sync_soon(done.set))
        await done.wait()
        future.result()

    def _all(self, requests: Sequence[bytes], at_once: int) -> None:
        waiting = iter(requests)
        under_way = [self._call.future(request) for request in islice(waiting, at_once)]
        while under_way:
            under_way.pop(0).result()
            under_way += [self._call.future(request) for request in islice(waiting, 1)]


async def bench_changes(driver: XrayDriver, node: Node, xray: XrayProcess, count: int) -> None:
    users, peer = [a_user(number) for number in range(count)], Peer(node)
    costs: dict[tuple[str, str, int], list[Cost]] = {}
    for _ in range(ROUNDS):
        for at_once in AT_ONCE:
            rounds: dict[tuple[str, str], Callable[[], Awaitable[object]]] = {
                ("add", "ours"): partial(spread, [partial(driver.ensure, user) for user in users], at_once),
                ("remove", "ours"): partial(
                    spread, [partial(driver.absent, user.email) for user in users], at_once
                ),
                ("add", "grpcio on Trio"): partial(
                    spread,
                    [partial(peer.change, messages.add_user(node.inbound_tag, user)) for user in users],
                    at_once,
                ),
                ("remove", "grpcio on Trio"): partial(
                    spread,
                    [
                        partial(peer.change, messages.remove_user(node.inbound_tag, user.email))
                        for user in users
                    ],
                    at_once,
                ),
                ("add", "grpcio"): partial(peer.add, users, at_once),
                ("remove", "grpcio"): partial(peer.remove, users, at_once),
            }
            for (name, whose), work in rounds.items():
                costs.setdefault((name, whose, at_once), []).append(await measured(xray, work))
    print(
        f"{'change':8} {'whose':14} {'at once':>7} {'per second':>11} {'client CPU µs':>14} {'node CPU µs':>12}"
    )
    for (name, whose, at_once), each in sorted(costs.items()):
        wall, client, node_seconds = (
            statistics.median(getattr(cost, part) for cost in each)
            for part in ("wall", "client_cpu", "node_cpu")
        )
        print(
            f"{name:8} {whose:14} {at_once:7} {count / wall:11.0f} {client / count * 1e6:14.0f} "
            f"{node_seconds / count * 1e6:12.0f}"
        )


async def bench_list(folder: Path, count: int) -> None:
    node = a_node(folder, "listed")
    config = server_config(node, listen="127.0.0.1")
    before, memory = time.perf_counter(), peak_mb()
    async with (
        open_xray(config, name=node.name, folder=folder, clients=clients_of(streamed(count))) as xray,
        open_driver(node) as driver,
    ):
        print(
            f"start with {count:,} users in the configuration: {time.perf_counter() - before:.2f} s, "
            f"CPU of the node {node_cpu(xray):.2f} s, peak memory here +{peak_mb() - memory:.0f} MB, "
            f"of the node {node_peak_mb(xray):.0f} MB"
        )
        memory = peak_mb()
        cost = await measured(xray, driver.users)
        print(
            f"list of {count:,}: {cost.wall:.2f} s, peak memory +{peak_mb() - memory:.0f} MB, "
            f"CPU: client {cost.client_cpu:.2f} s, node {cost.node_cpu:.2f} s"
        )
        print(f"longest hold of the event loop meanwhile: {await longest_hold(driver.users) * 1000:.0f} ms")


async def streamed(count: int) -> AsyncIterator[NodeUser]:
    """Users as they come from a database, none of them kept."""
    for number in range(count):
        yield a_user(number)


async def longest_hold(work: Callable[[], Awaitable[object]]) -> float:
    """The longest turn of anybody, in seconds of CPU: others on the machine would count in wall time."""
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        last = time.thread_time()
        while True:
            await trio.lowlevel.checkpoint()
            now = time.thread_time()
            last, longest = now, max(longest, now - last)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        await work()
        nursery.cancel_scope.cancel()
    return longest


def node_peak_mb(xray: XrayProcess) -> float:
    [line] = [
        line for line in Path(f"/proc/{xray.pid}/status").read_text().splitlines() if line.startswith("VmHWM")
    ]
    return int(line.split()[1]) / 1024


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
            await bench_changes(driver, node, xray, users)
        await bench_list(folder, listed)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--users", type=int, default=2000)
    parser.add_argument("--list", type=int, default=100_000)
    arguments = parser.parse_args()
    trio.run(main, arguments.users, arguments.list)
