"""Dead, frozen and slow nodes beside a healthy one: each delays its own users and nobody else (U12)."""

import os
import signal
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
import trio

from actors.activation import Activation
from actors.fast_expiry import FastExpiry
from actors.xray_reconciler import XrayReconciler
from integrations.xray.node import Node, NodeUser
from integrations.xray.process import XrayProcess
from runtime import Ref
from tests.actors.access import behind_our_back, buy, link_of, open_access, passes, rows, until
from tests.actors.systems import Running
from tests.fixtures import xray
from tests.fixtures.bad_way import BadWay, open_bad_way
from tests.fixtures.postgres import Database
from tests.fixtures.processes import freeze

WORKERS = {"activation": Activation, "fast_expiry": FastExpiry, "xray_reconciler": XrayReconciler}
HEALTHY, DEAD, FROZEN, SLOW = names = ("healthy", "dead", "frozen", "slow")

#: How much later than usual a purchase may be usable.
LATE_SECONDS = 1.0

FIRST = range(1, 11)


@dataclass
class Machines:
    """The four nodes, which are well until they are not."""

    nodes: dict[str, Node]
    running: dict[str, XrayProcess]
    way: BadWay
    resources: AsyncExitStack
    folder: Path

    async def fail(self) -> None:
        """One dies, one freezes, and the way to one gets bad."""
        os.kill(self.running[DEAD].pid, signal.SIGKILL)
        await freeze(self.running[FROZEN].pid)
        self.way.bad = True

    async def come_back(self) -> None:
        """All are as before, but for the dead one, which comes back empty."""
        os.kill(self.running[FROZEN].pid, signal.SIGCONT)
        self.way.bad = False
        await self.running[DEAD].wait_dead()
        await self.start(DEAD)

    async def start(self, name: str) -> None:
        process = xray.running(self.nodes[name], self.folder)
        self.running[name] = await self.resources.enter_async_context(process)

    @property
    def as_the_shop_knows_them(self) -> list[Node]:
        """One of them behind a way of its own."""
        return [
            replace(node, api_socket=self.way.socket) if name == SLOW else node
            for name, node in self.nodes.items()
        ]


@asynccontextmanager
async def machines(folder: Path, seed: int) -> AsyncIterator[Machines]:
    nodes = {name: xray.plain_node(folder, name) for name in names}
    async with AsyncExitStack() as stack:
        way = await stack.enter_async_context(open_bad_way(nodes[SLOW].api_socket, seed))
        here = Machines(nodes, {}, way, stack, folder)
        for name in names:
            await here.start(name)
        yield here


def on(database: Database, node: str) -> set[int]:
    """Whom a node has confirmed to have."""
    found = rows(database, f"SELECT subscription_id FROM provisions WHERE node = '{node}' AND present")
    return {number for (number,) in found}


async def seconds_to_buy(database: Database, writer: Ref, users: Iterable[int]) -> float:
    """Everybody buys at the same moment; seconds until the last of them is on the healthy node."""
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        for user in users:
            nursery.start_soon(buy, writer, user)
    mine = ", ".join(map(str, users))
    of_mine = f"FROM subscriptions s WHERE s.user_id IN ({mine})"
    have = f"EXISTS (SELECT FROM provisions p WHERE p.subscription_id = s.id AND p.node = '{HEALTHY}' AND p.present)"
    await until(database, f"(SELECT count(*) FILTER (WHERE {have}) = {len(list(users))} {of_mine})")
    return trio.current_time() - began


def has_noticed(shop: Running, *broken: str) -> bool:
    """Whether the actor of each of these nodes says that it does not answer."""
    actors = {each.name: each for each in shop.system.status().actors()}
    return all("node does not answer" in actors[f"vpn/{name}"].alerts for name in broken)


def unconfirmed(node: Node) -> str:
    """That a grant is not on the node as it stands."""
    known = f"p.node = '{node.name}' AND p.subscription_id = g.subscription_id AND p.version = g.version"
    return f"NOT EXISTS (SELECT FROM provisions p WHERE {known})"


async def listed(node: Node) -> dict[str, NodeUser]:
    async with behind_our_back(node) as driver:
        return await driver.users()


@pytest.mark.requirement("U12")
async def test_beside_dead_frozen_and_slow_nodes_a_healthy_one_is_as_quick_as_ever_and_all_come_right(
    database: Database, tmp_path: Path
) -> None:
    async with (
        machines(tmp_path, seed=1) as here,
        open_access(database, tmp_path, *here.as_the_shop_knows_them, workers=WORKERS) as shop,
    ):
        writer = shop.system.ref("db_writer")
        usual = await seconds_to_buy(database, writer, FIRST)
        for name in names:
            await until(database, f"(SELECT count(*) FROM provisions WHERE node = '{name}') = {len(FIRST)}")

        await here.fail()
        shop.clock.move(timedelta(days=31))
        later = count(FIRST.stop)
        while not has_noticed(shop, DEAD, FROZEN):
            assert await seconds_to_buy(database, writer, [next(later)]) < usual + LATE_SECONDS
        begin = next(later)
        second = range(begin, begin + len(FIRST))
        assert await seconds_to_buy(database, writer, second) < usual + LATE_SECONDS
        assert await passes(link_of(database, here.nodes[HEALTHY], second[0]))
        over = f"subscription_id <= {len(FIRST)} AND NOT present"
        await until(
            database,
            f"(SELECT count(*) FROM provisions WHERE node = '{HEALTHY}' AND {over}) = {len(FIRST)}",
        )
        for name in (DEAD, FROZEN):
            assert on(database, name) == set(FIRST), "it has confirmed what it cannot know"

        await here.come_back()
        for node in here.nodes.values():
            await until(database, f"NOT EXISTS (SELECT FROM grants g WHERE {unconfirmed(node)})")
        lists = {name: await listed(node) for name, node in here.nodes.items()}
        assert len(lists[HEALTHY]) == len(on(database, HEALTHY)) >= len(second)
        assert all(each == lists[HEALTHY] for each in lists.values())
