"""A running shop with very many users on one node, for benchmarks: its own actors on a PostgreSQL of its own.

The node's Xray is run by the shop, as in `supervisor.toml`. Messages to people are kept by a stand-in of the sender.
"""

import gc
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec
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
from tests.actors.access import Factory, many_subscriptions
from tests.actors.systems import Mail, environment
from tests.fixtures.postgres import Database
from tests.fixtures.processes import command_line, descendants
from tests.storage.test_writer import owner_of

PORT = 18445


@dataclass(frozen=True, slots=True)
class Crowd:
    """The shop, and what asks its node beside it."""

    system: System
    calls: Calls
    database: Database
    node: Node

    async def until_on(self, users: int) -> None:
        """Wait until the node has so many; it is asked a hundred times a second."""
        while await self.on() != users:  # noqa: ASYNC110 - the node sends no event
            await trio.sleep(0.01)

    async def on(self) -> int:
        """How many users the node has; -1 if it does not say."""
        try:
            return await self.calls.count()
        except (grpc.ConnectionBroken, grpc.CallFailed):
            return -1

    def xray(self) -> int:
        """The node's process."""
        config = str(self.node.api_socket.with_name("node.json"))
        [pid] = [each for each in descendants(os.getpid()) if config in command_line(each)]
        return pid


@asynccontextmanager
async def open_database() -> AsyncIterator[tuple[Database, Path]]:
    """An empty one and a folder."""
    # PostgreSQL may have an account of its own, which must be able to pass through.
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        os.chmod(folder, 0o711)
        server = await start_embedded(folder / "postgres")
        try:
            await migrate(server.conninfo())
            yield _database(server), folder
        finally:
            await server.stop()


def settle(database: Database, users: int, ends: datetime, within: timedelta = timedelta(0)) -> None:
    """Put so many users into the database, as the node has confirmed them; the last time ends at `ends` + `within`."""
    many_subscriptions(database, users, ends, within)
    with owner_of(database) as owner:
        owner.execute(b"INSERT INTO provisions SELECT id, 'node', 1, true, '2026-01-01Z' FROM subscriptions")
        for table in (b"subscriptions", b"grants", b"provisions", b"periods"):
            owner.execute(b"ANALYZE " + table)


@asynccontextmanager
async def open_crowd(
    database: Database, folder: Path, workers: Mapping[str, Factory] | None = None
) -> AsyncIterator[Crowd]:
    """Run the shop on what is in the database."""
    entry = NodeEntry(name="node", host="127.0.0.1", port=PORT, listen="127.0.0.1")
    node = node_of(entry, folder, "00" * 8)
    async with environment(database, folder, nodes=[node]) as found:
        settings = msgspec.structs.replace(found.configuration.settings, nodes=[entry])
        around = replace(found, configuration=replace(found.configuration, settings=settings))
        system = System(_tree(around, workers or {}), clock=SystemClock())
        async with trio.open_nursery() as nursery:
            await nursery.start(system.run)
            gc.collect()
            gc.freeze()  # as `turnpike run` does
            connect = partial(trio.open_unix_socket, node.api_socket)
            calls = Calls(grpc.Channel(connect, nursery), node.inbound_tag)
            yield Crowd(system, calls, database, node)
            system.request_stop()
            await system.stopped.wait()
            nursery.cancel_scope.cancel()


def resident_mb(name: str, pid: int | str = "self") -> float:
    """What the kernel says of a process's memory: VmRSS now, or VmHWM at most since `forget_peak`."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    [line] = [line for line in lines if line.startswith(name)]
    return int(line.split()[1]) / 1024


def forget_peak() -> None:
    """Begin anew with the most memory that there was."""
    Path("/proc/self/clear_refs").write_text("5")


def _database(server: EmbeddedPostgres) -> Database:
    return Database(
        "turnpike",
        server.conninfo(),
        server.conninfo("turnpike", "turnpike_writer"),
        server.conninfo("turnpike", "turnpike_reader"),
    )


def _tree(around: Environment, workers: Mapping[str, Factory]) -> GroupSpec:
    """As in supervisor.toml, as far as access goes."""
    factories: dict[str, Callable[[Context], Actor]] = {
        "sender": Mail().stand_in,
        "xray": partial(Xray, environment=around),
        "db_writer": partial(DbWriter, environment=around),
        "vpn": partial(Vpn, environment=around),
        **{name: partial(worker, environment=around) for name, worker in workers.items()},
    }
    specs = [ActorSpec(name, factory, start_timeout=120) for name, factory in factories.items()]
    return GroupSpec("root", "one_for_one", specs)
