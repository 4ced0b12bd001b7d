"""An agent on real TLS in front of a real Xray: only its panel gets in, and the node is as the panel said last."""

import os
import signal
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import trio

from integrations.xray.agent.authority import Authority, accept, server_name
from integrations.xray.agent.client import AgentClient, AgentUnavailable
from integrations.xray.agent.fence import own_addresses
from integrations.xray.driver import XrayDriver, open_driver
from integrations.xray.interface import NodeUnavailable
from integrations.xray.node import Node, server_config
from integrations.xray.stream import Config
from tests.fixtures.agents import authority_in, client_of, open_agent, roster
from tests.fixtures.downloads import open_client, open_endless_site
from tests.fixtures.processes import command_line, descendants
from tests.fixtures.xray import new_user, plain_node
from tests.integrations.xray.agent.asking import answers, ask_as, hears_nothing


@dataclass(frozen=True)
class Remote:
    """A node with an agent, and the panel's side of it."""

    node: Node
    agent: AgentClient
    driver: XrayDriver
    config: Config


@asynccontextmanager
async def remote(folder: Path, listen: str = "127.0.0.1") -> AsyncIterator[Remote]:
    """An agent whose node was not started yet."""
    node = plain_node(folder)
    authority, (enrolment,) = authority_in(folder, node.name)
    config = server_config(node, listen="127.0.0.1", allow_private_targets=True)
    with trio.fail_after(60):
        async with open_agent(enrolment, folder / "machine", listen) as port:
            agent = client_of(authority, node.name, port, "::1" if listen == "::" else "127.0.0.1")
            async with open_driver(node, agent.way()) as driver:
                yield Remote(node, agent, driver, config)


def xray_of(folder: Path) -> int:
    """The process of the node's Xray."""
    (pid,) = [
        pid for pid in descendants(os.getpid()) if str(folder / "machine/node.json") in command_line(pid)
    ]
    return pid


@pytest.mark.requirement("U8")
async def test_a_node_elsewhere_is_started_driven_and_cut_through_its_agent(tmp_path: Path) -> None:
    async with remote(tmp_path) as here, open_endless_site() as site:
        ann, bob = new_user(here.node, "ann"), new_user(here.node, "bob")
        await here.agent.start(here.config, roster(ann))
        assert await here.driver.users() == {"ann": ann}
        await here.driver.ensure(bob)
        assert (await here.driver.capabilities()).cuts
        async with (
            open_client(here.node, ann.uuid, site, tmp_path) as anns,
            open_client(here.node, bob.uuid, site, tmp_path) as bobs,
        ):
            stops, goes_on = await anns.download(), await bobs.download()
            assert await here.driver.drop("ann")
            with trio.fail_after(2):
                await stops.ends()
            assert await anns.is_refused()
            await goes_on.goes_on()
        health = await here.agent.health()
        assert health.running
        assert health.restarts == 0


async def test_the_same_configuration_again_disturbs_nobody_and_another_one_is_taken(tmp_path: Path) -> None:
    async with remote(tmp_path) as here:
        ann, bob = new_user(here.node, "ann"), new_user(here.node, "bob")
        await here.agent.start(here.config, roster(ann))
        first = await here.driver.epoch()
        await here.agent.start(here.config, roster(ann, bob))
        assert await here.driver.epoch() == first
        assert (await here.driver.users()).keys() == {"ann"}
        await here.agent.start(here.config | {"log": {"access": "none"}}, roster(ann, bob))
        assert await here.driver.epoch() != first
        assert (await here.driver.users()).keys() == {"ann", "bob"}


@pytest.mark.requirement("U4")
async def test_a_node_whose_xray_is_killed_comes_back_with_its_users_but_not_with_removed_ones(
    tmp_path: Path,
) -> None:
    async with remote(tmp_path) as here:
        ann, bob = new_user(here.node, "ann"), new_user(here.node, "bob")
        await here.agent.start(here.config, roster(ann, bob))
        assert await here.driver.drop("bob")
        first = await here.driver.epoch()
        os.kill(xray_of(tmp_path), signal.SIGKILL)
        assert await until_answered(here.driver) != first
        assert await here.driver.users() == {"ann": ann}
        health = await here.agent.health()
        assert (health.running, health.restarts) == (True, 1)


@pytest.mark.requirement("U4")
async def test_an_agent_that_starts_again_brings_its_node_back_without_the_panel(tmp_path: Path) -> None:
    node = plain_node(tmp_path)
    ann, bob = new_user(node, "ann"), new_user(node, "bob")
    authority, (enrolment,) = authority_in(tmp_path, node.name)
    async with open_agent(enrolment, tmp_path / "machine") as port:
        agent = client_of(authority, node.name, port)
        await agent.start(server_config(node, listen="127.0.0.1"), roster(ann, bob))
        async with open_driver(node, agent.way()) as driver:
            await driver.drop("bob")
    async with (
        open_agent(enrolment, tmp_path / "machine") as port,
        open_driver(node, client_of(authority, node.name, port).way()) as driver,
    ):
        await until_answered(driver)
        assert await driver.users() == {"ann": ann}


async def until_answered(driver: XrayDriver) -> str:
    """The name of the run that answers first."""
    with trio.fail_after(20):
        while True:
            try:
                return await driver.epoch()
            except NodeUnavailable:
                await trio.sleep(0.05)


async def until_it_says_why_not(agent: AgentClient) -> None:
    """An agent that has just been started has still to look for what it is to run."""
    with trio.fail_after(20):
        while not (await agent.health()).problem:
            await trio.sleep(0.05)


async def test_a_configuration_that_xray_refuses_is_told_to_the_panel(tmp_path: Path) -> None:
    async with remote(tmp_path) as here:
        await until_it_says_why_not(here.agent)
        with pytest.raises(
            NodeUnavailable, match="its Xray does not run: the panel has not sent a configuration"
        ):
            await here.driver.epoch()
        bad = here.config | {"outbounds": [{"protocol": "nonsense"}]}
        with pytest.raises(
            AgentUnavailable, match=r"^the agent of node 'plain': .*refuses its configuration"
        ):
            await here.agent.start(bad, roster())
        assert "refuses its configuration" in (await here.agent.health()).problem
        await here.agent.start(here.config, roster())
        assert await here.driver.count() == 0


async def test_a_second_connection_to_the_api_takes_the_place_of_the_first(tmp_path: Path) -> None:
    """A panel that lost its connection does not know yet that it is gone."""
    async with remote(tmp_path) as here:
        await here.agent.start(here.config, roster())
        first = await here.agent.way().api()
        second = await here.agent.way().api()
        async with first, second:
            with suppress(trio.BrokenResourceError):
                while await first.receive_some():
                    pass
            await second.send_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            assert await second.receive_some()


async def test_who_has_no_certificate_of_this_shop_s_panel_is_refused(tmp_path: Path) -> None:
    authority, enrolments = authority_in(tmp_path, "one", "two")
    panel = authority.panel()
    assert panel is not None
    other_shop, _ = authority_in(tmp_path / "other", "one")
    stranger = other_shop.panel()
    (tmp_path / "two").mkdir()
    another_node = accept(enrolments[1], tmp_path / "two")
    async with open_agent(enrolments[0], tmp_path / "one") as port:
        for identity in (panel, None, stranger, another_node):
            question = ask_as(identity, "127.0.0.1", port, "one", panel.authority)
            assert await answers(question) == (identity is panel)


async def test_a_panel_speaks_to_no_agent_but_the_one_that_it_enrolled_last(tmp_path: Path) -> None:
    authority, (first, second) = authority_in(tmp_path, "one", "two")
    _, (theirs,) = authority_in(tmp_path / "other", "one")
    async with (
        open_agent(first, tmp_path / "one") as one,
        open_agent(second, tmp_path / "two") as two,
        open_agent(theirs, tmp_path / "theirs") as foreign,
    ):
        await client_of(authority, "one", one).health()
        for port in (two, foreign):
            with pytest.raises(AgentUnavailable, match="do not know each other's certificates"):
                await client_of(authority, "one", port).health()
        authority_in(tmp_path, "one")
        with pytest.raises(AgentUnavailable, match="is not the one that was made last: enrol the node again"):
            await client_of(authority, "one", one).health()


async def test_what_strangers_send_disturbs_nobody(tmp_path: Path) -> None:
    async with remote(tmp_path) as here:
        await here.agent.start(here.config, roster())
        panel = Authority(tmp_path / "agents").panel()
        assert panel is not None
        for nonsense in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01" + b"\xff" * 2000):
            async with await trio.open_tcp_stream("127.0.0.1", port_of(here)) as raw:
                await raw.send_all(nonsense)
        for nonsense in (
            b"\n",
            b'{"what":"die"}\n',
            b'{"what":"cut"}\n{}\n',
            b'{"what":"start"}\n',
            b"x" * 3000000,
        ):
            raw = await trio.open_tcp_stream("127.0.0.1", port_of(here))
            async with raw:
                stream = trio.SSLStream(
                    raw, panel.tls(ssl.PROTOCOL_TLS_CLIENT), server_hostname=server_name(here.node.name)
                )
                with suppress(trio.BrokenResourceError):
                    await stream.send_all(nonsense)
        assert (await here.agent.health()).running
        assert await here.driver.count() == 0


def port_of(here: Remote) -> int:
    return here.agent._port


@pytest.mark.parametrize("listen", ["0.0.0.0", "::"])
async def test_a_customer_of_the_node_does_not_reach_its_agent(tmp_path: Path, listen: str) -> None:
    """Even where customers may reach loopback, and by every address and name that the machine has."""
    async with remote(tmp_path, listen) as here, open_endless_site() as site:
        ann = new_user(here.node, "ann")
        await here.agent.start(here.config, roster(ann))
        async with open_client(here.node, ann.uuid, site, tmp_path) as client:
            await (await client.download()).goes_on()
            numbers = [each for each in own_addresses() if (":" in each) == (listen == "::")]
            assert numbers
            for host in [*numbers, "localhost"]:
                assert await hears_nothing(client, host, port_of(here)), f"{host} answered"
