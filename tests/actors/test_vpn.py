"""The `vpn` actor against a real Xray: it converges the node to the grants, and is the only one that can."""

import ast
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
import trio

from actors.db_writer import DbWriter
from actors.messages import Write
from actors.vpn import Vpn
from domain.commands import (
    ExpireSubscriptions,
    FinalizePayment,
    Person,
    Received,
    RecordUpdates,
    StartPurchase,
)
from domain.entities import Provider
from integrations.xray.driver import open_driver
from integrations.xray.interface import NodeBusy
from integrations.xray.link import share_link
from integrations.xray.node import Node
from integrations.xray.probe import ProbeResult, probe
from runtime import Actor, Context, Ref
from tests.actors.systems import Running, environment, running
from tests.fixtures import xray
from tests.fixtures.postgres import Database
from tests.storage.test_writer import owner_of

ROOT = Path(__file__).parents[2]


async def buy(writer: Ref, user_id: int, again: int = 0) -> None:
    """A plan, from the update to the payment; `again` tells one purchase of a user from another."""
    update = user_id + again * 1_000_000
    await writer.call(Write(RecordUpdates((Received(update, user_id, "{}"),))))
    start = StartPurchase(update, Person(user_id, "Somebody"), "plan:month", Provider.STARS)
    started = await writer.call(Write(start))
    assert started is not None
    payment = FinalizePayment(
        provider=Provider.STARS,
        charge_id=f"charge-{update}",
        amount=started.price,
        purchase_id=started.purchase_id,
        payer=user_id,
    )
    await writer.call(Write(payment))


async def until(database: Database, condition: str) -> None:
    """Wait until a condition holds in the database."""
    with owner_of(database) as owner, trio.fail_after(20):
        while owner.execute(f"SELECT {condition}".encode()).fetchone() != (True,):
            await trio.sleep(0.02)


@asynccontextmanager
async def vpn_system(database: Database, folder: Path, node: Node) -> AsyncIterator[Running]:
    """A writer and the `vpn` actor with one node."""
    async with environment(database, folder, nodes=[node]) as surroundings:
        actors: dict[str, Callable[[Context], Actor]] = {
            "db_writer": partial(DbWriter, environment=surroundings),
            "vpn": partial(Vpn, environment=surroundings),
        }
        async with running(actors, ["sender"]) as here:
            yield here


def link_of(database: Database, node: Node, user_id: int) -> str:
    """The key of a user."""
    with owner_of(database) as owner:
        found = owner.execute("SELECT uuid FROM subscriptions WHERE user_id = %s", (user_id,)).fetchone()
    assert found is not None
    return share_link(node, UUID(str(found[0])), "test")


async def passes(link: str) -> bool:
    """Whether a key passes traffic now."""
    async with xray.open_site() as site:
        return isinstance(await probe(link, site, timeout=10), ProbeResult)


@pytest.mark.requirement("U11")
async def test_a_user_is_on_the_node_when_it_is_confirmed_and_off_it_when_that_is(
    database: Database, tmp_path: Path
) -> None:
    node = xray.plain_node(tmp_path)
    async with xray.running(node, tmp_path), vpn_system(database, tmp_path, node) as here:
        writer = here.system.ref("db_writer")
        await buy(writer, 1)
        await buy(writer, 2)
        await until(database, "(SELECT count(*) FROM provisions WHERE present AND version = 1) = 2")
        assert await passes(link_of(database, node, 1))

        here.clock.move(timedelta(days=31))
        assert await writer.call(Write(ExpireSubscriptions((1,)))) == 1
        await until(database, "EXISTS (SELECT FROM provisions WHERE NOT present AND version = 2)")
        assert not await passes(link_of(database, node, 1))
        assert await passes(link_of(database, node, 2)), "somebody else was cut"


async def test_a_node_that_is_down_gets_its_users_when_it_comes_up_and_again_after_a_restart(
    database: Database, tmp_path: Path
) -> None:
    node = xray.plain_node(tmp_path)
    async with vpn_system(database, tmp_path, node) as here:
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
        async with vpn_system(database, tmp_path, node) as here:
            await buy(here.system.ref("db_writer"), 1)
            await until(database, "EXISTS (SELECT FROM provisions)")
        async with open_driver(node) as driver:
            assert {other.email for other in others} < (await driver.users()).keys()


@pytest.mark.requirement("U11")
async def test_nothing_but_the_vpn_actor_can_change_users_of_a_node(
    database: Database, tmp_path: Path
) -> None:
    node = xray.plain_node(tmp_path)
    async with vpn_system(database, tmp_path, node):
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
    assert {each for each in reach if not each.startswith("integrations/xray/")} == {"actors/vpn.py"}


_DRIVER = {
    f"integrations.xray.{name}"
    for name in ("driver", "calls", "grpc", "messages", "wire", "cutting", "sockets")
}
