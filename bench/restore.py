"""kill -9 of a node's Xray in a running shop: seconds until all of its users are back, with nobody's help.

    python -m bench.restore [--users 1000 100000]

The shop's own actors on a PostgreSQL of its own: the one that runs the node, the one that owns access, the writer.
A node is asked how many users it has, a hundred times a second. Memory is that of the shop's process, PostgreSQL
and the node aside.
"""

import argparse
import logging
import os
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec
import structlog
import trio

from actors.db_writer import DbWriter
from actors.environment import Environment
from actors.nodes import NodeEntry, node_of
from actors.vpn import Vpn
from actors.xray import Xray
from integrations.xray import grpc
from integrations.xray.calls import Calls
from integrations.xray.node import Node
from runtime import Actor, ActorSpec, Context, GroupSpec, System, SystemClock
from storage.embedded.server import EmbeddedPostgres, start_embedded
from storage.migrate import migrate
from tests.actors.access import many_subscriptions
from tests.actors.systems import Mail, environment
from tests.fixtures.postgres import Database
from tests.fixtures.processes import command_line, descendants
from tests.storage.test_writer import owner_of

PORT = 18445


@asynccontextmanager
async def shop(server: EmbeddedPostgres, folder: Path, users: int) -> AsyncIterator[Calls]:
    """A running shop whose node has that many users; what asks the node."""
    database = Database(
        "turnpike",
        server.conninfo(),
        server.conninfo("turnpike", "turnpike_writer"),
        server.conninfo("turnpike", "turnpike_reader"),
    )
    many_subscriptions(database, users, datetime.now(UTC) + timedelta(days=30))
    with owner_of(database) as owner:
        owner.execute(b"INSERT INTO provisions SELECT id, 'node', 1, true, '2026-01-01Z' FROM subscriptions")
    entry = NodeEntry(name="node", host="127.0.0.1", port=PORT, listen="127.0.0.1")
    node = node_of(entry, folder, "00" * 8)
    async with environment(database, folder, nodes=[node]) as found:
        settings = msgspec.structs.replace(found.configuration.settings, nodes=[entry])
        around = replace(found, configuration=replace(found.configuration, settings=settings))
        system = System(tree(around), clock=SystemClock())
        async with trio.open_nursery() as nursery:
            await nursery.start(system.run)
            yield asker(node, nursery)
            system.request_stop()
            await system.stopped.wait()
            nursery.cancel_scope.cancel()


def tree(around: Environment) -> GroupSpec:
    """As in supervisor.toml, as far as access goes."""
    factories: dict[str, Callable[[Context], Actor]] = {
        "sender": Mail().stand_in,
        "xray": partial(Xray, environment=around),
        "db_writer": partial(DbWriter, environment=around),
        "vpn": partial(Vpn, environment=around),
    }
    specs = [ActorSpec(name, factory, start_timeout=120) for name, factory in factories.items()]
    return GroupSpec("root", "one_for_one", specs)


def asker(node: Node, nursery: trio.Nursery) -> Calls:
    """Somebody beside the driver who asks the node."""
    return Calls(grpc.Channel(partial(trio.open_unix_socket, node.api_socket), nursery), node.inbound_tag)


async def until_all(calls: Calls, users: int) -> None:
    """Wait until the node has them all."""
    while True:
        try:
            if await calls.count() == users:
                return
        except (grpc.ConnectionBroken, grpc.CallFailed):
            pass
        await trio.sleep(0.01)


def xray_of(folder: Path) -> int:
    """The node's process."""
    [pid] = [
        each
        for each in descendants(os.getpid())
        if str(folder / "nodes/node/node.json") in command_line(each)
    ]
    return pid


def resident_mb(name: str) -> float:
    """What the kernel says of this process's memory: VmRSS now, or VmHWM at most since `forget_peak`."""
    lines = Path("/proc/self/status").read_text().splitlines()
    [line] = [line for line in lines if line.startswith(name)]
    return int(line.split()[1]) / 1024


def forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


async def measure(users: int) -> None:
    # PostgreSQL may have an account of its own, which must be able to pass through.
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        os.chmod(folder, 0o711)
        server = await start_embedded(folder / "postgres")
        try:
            await migrate(server.conninfo())
            began = time.perf_counter()
            async with shop(server, folder, users) as calls:
                await until_all(calls, users)
                print(f"{users:,} users: the shop and its node are up in {time.perf_counter() - began:.2f} s")
                for _ in range(3):
                    await trio.sleep(2)
                    forget_peak()
                    memory = resident_mb("VmRSS")
                    began = time.perf_counter()
                    os.kill(xray_of(folder), signal.SIGKILL)
                    await until_all(calls, users)
                    print(
                        f"{users:,} users: all are back {time.perf_counter() - began:.2f} s after kill -9, "
                        f"memory {memory:.0f} MB before, {resident_mb('VmHWM'):.0f} MB at most"
                    )
        finally:
            await server.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--users", type=int, nargs="*", default=[1000, 100_000])
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    for count in parser.parse_args().users:
        trio.run(measure, count)
