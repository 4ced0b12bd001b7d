"""`turnpike nodes` and the nodes in `turnpike ctl status`: as processes against a running system with real nodes."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import trio

from actors.db_writer import DbWriter
from actors.desk import Desk
from actors.vpn import Vpn
from integrations.xray.node import Node
from runtime import Actor, Context
from runtime.control import serve_control
from tests.actors.access import buy, until
from tests.actors.systems import environment, running
from tests.fixtures import xray
from tests.fixtures.postgres import Database
from tests.turnpike.test_money import Shop
from turnpike.control import control_socket


@asynccontextmanager
async def shop_with(database: Database, folder: Path, nodes: Sequence[Node]) -> AsyncIterator[Shop]:
    async with environment(database, folder, nodes=nodes) as surroundings:
        actors: dict[str, Callable[[Context], Actor]] = {
            "db_writer": partial(DbWriter, environment=surroundings),
            "vpn": partial(Vpn, environment=surroundings),
            "desk": partial(Desk, environment=surroundings),
        }
        async with running(actors, stand_ins=["sender"]) as shop, trio.open_nursery() as nursery:
            await nursery.start(serve_control, shop.system, control_socket(folder))
            yield Shop(folder, shop.system)
            nursery.cancel_scope.cancel()


async def test_each_node_shows_whether_it_is_reached_and_how_many_users_it_has_of_how_many(
    database: Database, tmp_path: Path
) -> None:
    up, down = xray.plain_node(tmp_path, "attic"), xray.plain_node(tmp_path, "cellar")
    async with xray.running(up, tmp_path), shop_with(database, tmp_path, [up, down]) as shop:
        await buy(shop.system.ref("db_writer"), 1)
        await until(database, "EXISTS (SELECT FROM provisions WHERE present)")

        said = await shop.turnpike("nodes")
        assert said.returncode == 1, "a script can ask whether all is well"
        heads, attic, cellar = said.stdout.splitlines()
        assert heads.split()[:3] == ["node", "state", "up"]
        assert attic.split()[:2] == ["attic", "reached"]
        assert cellar.split()[:2] == ["cellar", "away"]
        assert "node 'cellar' cannot be reached" in cellar
        told = {each["node"]: each for each in json.loads((await shop.turnpike("nodes", "--json")).stdout)}
        assert (told["attic"]["state"]["users"], told["attic"]["wanted"]) == (1, 1)
        assert told["attic"]["state"]["reached_at"] is not None
        assert (told["cellar"]["state"]["users"], told["cellar"]["state"]["reached_at"]) == (None, None)

        status = await shop.said("ctl", "status")
        assert [line.split()[:2] for line in status.splitlines()[-2:]] == [
            ["attic", "reached"],
            ["cellar", "away"],
        ]
