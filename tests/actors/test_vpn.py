"""The `vpn` actor against a real Xray: it converges the node to the grants, and is the only one that can."""

import ast
from datetime import timedelta
from pathlib import Path

import pytest
import trio

from actors.messages import Write
from domain.commands import ExpireSubscriptions
from integrations.xray.driver import open_driver
from integrations.xray.interface import NodeBusy
from tests.actors.access import buy, link_of, open_access, passes, until
from tests.fixtures import xray
from tests.fixtures.postgres import Database
from tests.storage.test_writer import owner_of

ROOT = Path(__file__).parents[2]


@pytest.mark.requirement("U11")
async def test_a_user_is_on_the_node_when_it_is_confirmed_and_off_it_when_that_is(
    database: Database, tmp_path: Path
) -> None:
    node = xray.plain_node(tmp_path)
    async with xray.running(node, tmp_path), open_access(database, tmp_path, node) as here:
        writer = here.system.ref("db_writer")
        await buy(writer, 1)
        await buy(writer, 2)
        await until(database, "(SELECT count(*) FROM provisions WHERE present AND version = 1) = 2")
        assert await passes(link_of(database, node, 1))

        here.clock.move(timedelta(days=31))
        assert (await writer.call(Write(ExpireSubscriptions((1,))))).ended == 1
        await until(database, "EXISTS (SELECT FROM provisions WHERE NOT present AND version = 2)")
        assert not await passes(link_of(database, node, 1))
        assert await passes(link_of(database, node, 2)), "somebody else was cut"


async def test_a_node_that_is_down_gets_its_users_when_it_comes_up_and_again_after_a_restart(
    database: Database, tmp_path: Path
) -> None:
    node = xray.plain_node(tmp_path)
    async with open_access(database, tmp_path, node) as here:
        await buy(here.system.ref("db_writer"), 1)
        for _ in range(2):
            async with xray.running(node, tmp_path):
                link = link_of(database, node, 1)
                with trio.fail_after(30):
                    while not await passes(link):
                        here.clock.move(timedelta(seconds=15))
        with owner_of(database) as owner:
            told = owner.execute("SELECT count(*) FROM outbox WHERE kind = 'access_ready'").fetchone()
        assert told == (1,), "told once, however often the node restarts"


async def test_users_whom_somebody_else_put_on_a_node_stay(database: Database, tmp_path: Path) -> None:
    node = xray.plain_node(tmp_path)
    others = [xray.new_user(node, email) for email in ("sam", "sasha.1", "s12x", "bob")]
    async with xray.running(node, tmp_path):
        async with open_driver(node) as driver:
            for other in others:
                await driver.ensure(other)
        async with open_access(database, tmp_path, node) as here:
            await buy(here.system.ref("db_writer"), 1)
            await until(database, "EXISTS (SELECT FROM provisions)")
        async with open_driver(node) as driver:
            assert {other.email for other in others} < (await driver.users()).keys()


@pytest.mark.requirement("U11")
async def test_nothing_but_the_vpn_actor_can_change_users_of_a_node(
    database: Database, tmp_path: Path
) -> None:
    node = xray.plain_node(tmp_path)
    async with open_access(database, tmp_path, node):
        with pytest.raises(NodeBusy):
            async with open_driver(node):
                pass


@pytest.mark.requirement("U11")
def test_no_module_of_the_product_but_the_vpn_actor_can_reach_the_driver() -> None:
    reach = set()
    for folder in ("domain", "runtime", "storage", "integrations", "actors", "turnpike"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ImportFrom) and node.module in _DRIVER:
                    reach.add(path.relative_to(ROOT).as_posix())
    assert {each for each in reach if not each.startswith("integrations/xray/")} == {"actors/vpn/node.py"}


_DRIVER = {
    f"integrations.xray.{name}"
    for name in ("driver", "blocks", "calls", "grpc", "messages", "wire", "cutting", "sockets")
}
