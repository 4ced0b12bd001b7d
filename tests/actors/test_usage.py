"""Real traffic through real nodes, counted in a real database: exactly what the node's own counters say."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import trio

from actors.usage import Usage
from integrations.xray.driver import XrayDriver
from integrations.xray.node import Node
from storage.flush import no_step
from tests.actors.access import behind_our_back, buy, link_of, open_access, passes, rows, until
from tests.actors.systems import Running
from tests.crash.access_victim import Run, die_at
from tests.fixtures import xray
from tests.fixtures.downloads import Client, open_client
from tests.fixtures.postgres import Database
from tests.storage.shop import NOW

MINUTE = timedelta(minutes=1)
SIZE = 200_000

_TOTAL = "SELECT coalesce(sum(up), 0)::bigint, coalesce(sum(down), 0)::bigint FROM {table} WHERE subscription_id = 1"


def counted(database: Database) -> tuple[int, int]:
    """What the first subscription has moved, as the database says; all of it is what is on each node."""
    [whole] = rows(database, _TOTAL.format(table="usage"))
    assert [whole] == rows(database, _TOTAL.format(table="node_usage"))
    up, down = whole
    return up, down


async def load(client: Client, address: str) -> None:
    """Load the site once, through a client."""
    host, _, port = address.removeprefix("http://").rstrip("/").partition(":")
    received = b""
    async with await client.connect(host, int(port)) as stream:
        await stream.send_all(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        while len(received) < SIZE:
            received += await stream.receive_some(1 << 16)


async def at_rest(driver: XrayDriver, least: int) -> tuple[int, int]:
    """The node's own counters of the first subscription, once it has counted the end of what was moved."""
    last = (0, 0)
    with trio.fail_after(20):
        while True:
            found = (await driver.usage()).by_email["s1"]
            if (found.up, found.down) == last and found.down >= least:
                return last
            last = found.up, found.down
            await trio.sleep(0.05)


async def until_counted(here: Running, database: Database, expected: tuple[int, int]) -> None:
    with trio.fail_after(20):
        while counted(database) != expected:
            here.clock.move(MINUTE)
            await trio.sleep(0.02)


@asynccontextmanager
async def customer(database: Database, here: Running, node: Node, folder: Path) -> AsyncIterator[Client]:
    """The first subscription's user with a client, once the node has them."""
    link = link_of(database, node, 1)
    with trio.fail_after(30):
        while not await passes(link):
            here.clock.move(timedelta(seconds=15))
    [(uuid,)] = rows(database, "SELECT uuid FROM subscriptions WHERE id = 1")
    async with open_client(node, UUID(str(uuid)), 0, folder) as client:
        yield client


async def test_what_people_load_is_counted_through_restarts_of_the_node_and_of_ourselves(
    database: Database, tmp_path: Path
) -> None:
    node = xray.plain_node(tmp_path)
    before = (0, 0)
    async with xray.open_site(body=b"x" * SIZE) as site:
        for life in range(2):
            async with open_access(database, tmp_path, node, workers={"usage": Usage}) as here:
                if life == 0:
                    await buy(here.system.ref("db_writer"), 1)
                for _ in range(2):
                    async with (
                        xray.running(node, tmp_path),
                        customer(database, here, node, tmp_path) as client,
                        behind_our_back(node) as driver,
                    ):
                        for loads in (1, 2):
                            await load(client, site)
                            up, down = await at_rest(driver, loads * SIZE)
                            assert down <= loads * (SIZE + 4096), "more was counted than was loaded"
                            await until_counted(here, database, (before[0] + up, before[1] + down))
                    before = counted(database)


async def test_what_was_moved_since_the_last_look_is_counted_at_a_stop(
    database: Database, tmp_path: Path
) -> None:
    """The node that turnpike runs itself ends a moment later, and its counters with it."""
    node = xray.plain_node(tmp_path)
    async with (
        xray.open_site(body=b"x" * SIZE) as site,
        xray.running(node, tmp_path),
        behind_our_back(node) as driver,
    ):
        async with open_access(database, tmp_path, node, workers={"usage": Usage}) as here:
            await buy(here.system.ref("db_writer"), 1)
            await until(database, "EXISTS (SELECT FROM provisions WHERE present)")
            async with customer(database, here, node, tmp_path) as client:
                await load(client, site)
                expected = await at_rest(driver, SIZE)
                assert counted(database) != expected
        assert counted(database) == expected


async def test_killed_at_any_step_of_counting_nothing_is_counted_twice_or_forgotten(
    database: Database, tmp_path: Path
) -> None:
    node, told = xray.plain_node(tmp_path), tmp_path / "steps"
    async with xray.open_site(body=b"x" * SIZE) as site, xray.running(node, tmp_path):
        async with open_access(database, tmp_path, node) as here:
            await buy(here.system.ref("db_writer"), 1)
            await until(database, "EXISTS (SELECT FROM provisions WHERE present)")
            async with customer(database, here, node, tmp_path) as client:
                pass
        [(uuid,)] = rows(database, "SELECT uuid FROM subscriptions WHERE id = 1")
        async with open_client(node, UUID(str(uuid)), 0, tmp_path) as client, behind_our_back(node) as driver:
            # The first round makes the rows, the second tells the steps, and each of these is fatal once.
            fatal, names, number = ["none", "none"], list[str](), 0
            while fatal:
                number += 1
                await load(client, site)
                up, down = await at_rest(driver, number * SIZE)
                done = f"EXISTS (SELECT FROM usage WHERE subscription_id = 1 AND up = {up} AND down = {down})"
                run = Run(database, tmp_path, node, "usage", NOW, done)
                step = fatal.pop()
                assert await trio.to_thread.run_sync(die_at, run, (step, 1), told) is (step != "none")
                if step != "none":
                    await run.to_its_end(no_step)
                elif not fatal:
                    names = told.read_text().splitlines()
                    fatal = list(dict.fromkeys(names))
                assert counted(database) == (up, down), f"killed at {step}"
    assert {
        "counters read",
        "changed node_usage sent",
        "before commit",
        "committed",
        "counters recorded",
    } < set(names)
