"""The `xray` actor: nodes here and elsewhere run with the users whom the database has, from their first moment."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import msgspec
import pytest
import trio

from actors.agents import agent_client
from actors.db_writer import DbWriter
from actors.environment import Environment
from actors.messages import Examine
from actors.nodes import NodeEntry, node_of
from actors.usage import Usage
from actors.vpn import Vpn
from actors.xray import Xray
from integrations.xray.driver import open_driver
from integrations.xray.node import Node
from runtime import Actor, Context
from tests.actors.access import buy, until
from tests.actors.systems import Running, environment, running
from tests.fixtures.agents import authority_in, open_agent
from tests.fixtures.postgres import Database
from tests.fixtures.xray import free_port


@asynccontextmanager
async def surroundings(
    database: Database, folder: Path, *entries: NodeEntry
) -> AsyncIterator[tuple[Environment, tuple[Node, ...]]]:
    """Everything around the actors of a shop with these nodes."""
    nodes = tuple(node_of(entry, folder, "00" * 8) for entry in entries)
    async with environment(database, folder, nodes=nodes) as found:
        settings = msgspec.structs.replace(found.configuration.settings, nodes=list(entries))
        yield replace(found, configuration=replace(found.configuration, settings=settings)), nodes


@asynccontextmanager
async def system(around: Environment, *names: str) -> AsyncIterator[Running]:
    """Some of the actors of access."""
    actors: dict[str, Callable[[Context], Actor]] = {
        "db_writer": partial(DbWriter, environment=around),
        "xray": partial(Xray, environment=around),
        "vpn": partial(Vpn, environment=around),
        "usage": partial(Usage, environment=around),
    }
    chosen = {name: actors[name] for name in names}
    stand_ins = ["sender", "vpn"] if "vpn" not in names else ["sender"]
    async with running(chosen, stand_ins) as here:
        yield here


def entry(name: str, api: str | None = None) -> NodeEntry:
    """A node on a free port of loopback."""
    return NodeEntry(name=name, host="127.0.0.1", port=free_port(), listen="127.0.0.1", api=api)


@pytest.mark.requirement("U4")
async def test_a_node_starts_with_everybody_who_should_be_there(database: Database, tmp_path: Path) -> None:
    async with surroundings(database, tmp_path, entry("here")) as (around, (node,)):
        async with system(around, "db_writer") as here:
            for user_id in (1, 2):
                await buy(here.system.ref("db_writer"), user_id)
        async with system(around, "xray"), open_driver(node) as driver:
            assert (await driver.users()).keys() == {"s1", "s2"}


@pytest.mark.requirement("U12")
async def test_an_agent_that_is_away_holds_up_nobody_and_is_told_its_users_when_it_comes(
    database: Database, tmp_path: Path
) -> None:
    _, (enrolment,) = authority_in(tmp_path, "far")
    port = free_port()
    far = entry("far", f"agent://127.0.0.1:{port}")
    async with (
        surroundings(database, tmp_path, entry("here"), far) as (around, _),
        system(around, "db_writer", "xray", "vpn") as here,
    ):
        await buy(here.system.ref("db_writer"), 1)
        await until(database, "EXISTS (SELECT FROM provisions WHERE node = 'here' AND present)")
        [reason] = alerts_of_xray(here)
        assert reason.startswith("the agent of node 'far' cannot be reached")
        state = await here.system.ref("vpn/far/health").call(Examine())
        assert "the agent of node 'far' cannot be reached" in state.problem
        assert (state.users, state.reached_at) == (None, None)
        async with open_agent(enrolment, tmp_path / "machine", port=port):
            with trio.fail_after(30):
                while not await has_a_running_node(far, tmp_path):
                    here.clock.move(timedelta(seconds=5))
                    await trio.sleep(0.05)
            await until(database, "EXISTS (SELECT FROM provisions WHERE node = 'far' AND present)")
            assert not alerts_of_xray(here)


def alerts_of_xray(here: Running) -> list[str]:
    """What needs an operator."""
    [status] = [each for each in here.system.status().actors() if each.name == "xray"]
    return list(status.alerts.values())


async def has_a_running_node(far: NodeEntry, folder: Path) -> bool:
    """Whether the agent has been told and has done it."""
    agent = agent_client(far, folder)
    assert agent is not None
    return (await agent.health()).running


async def test_what_an_agent_starts_with_is_what_the_database_has(database: Database, tmp_path: Path) -> None:
    _, (enrolment,) = authority_in(tmp_path, "far")
    async with open_agent(enrolment, tmp_path / "machine") as port:
        far = entry("far", f"agent://127.0.0.1:{port}")
        async with surroundings(database, tmp_path, far) as (around, (node,)):
            async with system(around, "db_writer") as here:
                await buy(here.system.ref("db_writer"), 1)
            agent = agent_client(far, tmp_path)
            assert agent is not None
            async with system(around, "xray"), open_driver(node, agent.way()) as driver:
                with trio.fail_after(20):
                    while not await has_a_running_node(far, tmp_path):
                        await trio.sleep(0.05)
                assert (await driver.users()).keys() == {"s1"}
