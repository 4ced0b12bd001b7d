"""The driver on a real Xray: whatever happened before, what was asked for is what the node has."""

import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import trio

from integrations.xray import grpc, messages
from integrations.xray.driver import XrayDriver, open_driver
from integrations.xray.interface import NodeBusy, NodeDriver, NodeRefused, NodeUnavailable
from integrations.xray.node import BadUser, Node, NodeUser, server_config
from integrations.xray.process import XrayProcess, open_xray
from tests.fixtures.downloads import NEIGHBOUR, open_client, open_endless_site
from tests.fixtures.processes import freeze
from tests.fixtures.xray import new_user, plain_node, running


@asynccontextmanager
async def driven(folder: Path, timeout: float = 10.0) -> AsyncIterator[tuple[XrayDriver, XrayProcess, Node]]:
    """A running node without users, and its driver; a test that waits for ever fails."""
    node = plain_node(folder)
    with trio.fail_after(30):
        async with running(node, folder) as xray, open_driver(node, timeout=timeout) as driver:
            yield driver, xray, node


@asynccontextmanager
async def raw_channel(node: Node) -> AsyncIterator[grpc.Channel]:
    """What somebody else with access to the socket could do."""
    async with trio.open_nursery() as nursery:
        yield grpc.Channel(partial(trio.open_unix_socket, node.api_socket), nursery)
        nursery.cancel_scope.cancel()


async def test_the_node_has_who_was_ensured_and_not_who_was_made_absent(tmp_path: Path) -> None:
    async with driven(tmp_path) as (driver, _, node):
        ann, bob = new_user(node, "ann"), new_user(node, "bob")
        await driver.ensure(ann)
        await driver.ensure(bob)
        assert await driver.users() == {"ann": ann, "bob": bob}
        await driver.absent("ann")
        assert await driver.users() == {"bob": bob}
        assert await driver.count() == 1


async def test_repeating_changes_nothing(tmp_path: Path) -> None:
    async with driven(tmp_path) as (driver, _, node):
        user = new_user(node)
        for _ in range(3):
            await driver.ensure(user)
        assert await driver.users() == {user.email: user}
        for _ in range(3):
            await driver.absent(user.email)
        await driver.absent("never-there")
        assert await driver.users() == {}


async def test_duplicates_at_the_same_time_make_one_user(tmp_path: Path) -> None:
    async with driven(tmp_path) as (driver, _, node):
        user = new_user(node)
        async with trio.open_nursery() as nursery:
            for _ in range(100):
                nursery.start_soon(driver.ensure, user)
        assert await driver.users() == {user.email: user}
        async with trio.open_nursery() as nursery:
            for _ in range(100):
                nursery.start_soon(driver.absent, user.email)
        assert await driver.count() == 0


async def test_a_changed_uuid_or_flow_replaces_the_user(tmp_path: Path) -> None:
    async with driven(tmp_path) as (driver, _, node):
        first = new_user(node)
        for user in (first, replace(first, uuid=uuid4()), replace(first, flow="xtls-rprx-vision"), first):
            await driver.ensure(user)
            assert await driver.users() == {user.email: user}


async def test_what_somebody_else_put_there_is_seen_replaced_and_removed(tmp_path: Path) -> None:
    """The node compares names without case, so this one stands in the way of ours."""
    async with driven(tmp_path) as (driver, _, node), raw_channel(node) as raw:
        ours = new_user(node, "ann")
        named_bob = messages.add_user(node.inbound_tag, replace(new_user(node), email="bob"))
        for name in (b"ANN", b"BOB"):
            await raw.call(messages.ALTER_INBOUND, named_bob.replace(b"bob", name))
        assert set(await driver.users()) == {"ANN", "BOB"}
        await driver.ensure(ours)
        await driver.absent("BOB")
        assert await driver.users() == {"ann": ours}


@pytest.mark.requirement("U11")
async def test_changes_of_one_user_happen_in_the_order_in_which_they_were_asked_for(tmp_path: Path) -> None:
    async with driven(tmp_path) as (driver, xray, node):
        wanted = {f"s{index}": new_user(node, f"s{index}") for index in range(10)}
        await driver.uptime()
        await freeze(xray.pid)
        async with trio.open_nursery() as nursery:
            for name, user in wanted.items():
                changes = [
                    partial(driver.ensure, new_user(node, name)),
                    # The node knows no case, so this is the same user to it.
                    partial(driver.absent, name.upper()),
                    partial(driver.ensure, new_user(node, name)),
                    partial(driver.ensure, user),
                ]
                for change in changes if name != "s0" else changes[:2]:
                    nursery.start_soon(change)
                    # Trio starts tasks of one moment in any order.
                    await trio.testing.wait_all_tasks_blocked()
            os.kill(xray.pid, signal.SIGCONT)
        del wanted["s0"]
        assert await driver.users() == wanted


@pytest.mark.requirement("U11")
async def test_nobody_else_can_drive_a_driven_node(tmp_path: Path) -> None:
    node = plain_node(tmp_path)
    async with open_driver(node):
        with pytest.raises(NodeBusy, match="node 'plain' is already driven by somebody who holds"):
            async with open_driver(node):
                pass
    async with open_driver(node):
        pass


async def test_a_frozen_node_is_unavailable_and_catches_up_later(tmp_path: Path) -> None:
    async with driven(tmp_path, timeout=0.1) as (driver, xray, node):
        user = new_user(node)
        await driver.uptime()
        await freeze(xray.pid)
        with pytest.raises(NodeUnavailable, match=r"^node 'plain' did not answer within 0\.1 s$"):
            await driver.ensure(user)
        os.kill(xray.pid, signal.SIGCONT)
        await driver.ensure(user)
        assert await driver.users() == {user.email: user}
        await freeze(xray.pid)
        with pytest.raises(NodeUnavailable):
            await driver.absent(user.email)
        os.kill(xray.pid, signal.SIGCONT)
        await driver.absent(user.email)
        assert await driver.users() == {}


async def test_a_change_that_came_too_late_does_not_undo_the_next_one(tmp_path: Path) -> None:
    """A call that timed out may still be carried out: after it, the opposite order must win all the same."""
    async with driven(tmp_path) as (driver, xray, node):
        users = [new_user(node, f"s{index}") for index in range(20)]
        for user in users[:10]:
            await driver.ensure(user)
        await freeze(xray.pid)
        with trio.move_on_after(0.05):
            async with trio.open_nursery() as nursery:
                for user in users[:10]:
                    nursery.start_soon(driver.absent, user.email)
                for user in users[10:]:
                    nursery.start_soon(driver.ensure, user)
        os.kill(xray.pid, signal.SIGCONT)
        async with trio.open_nursery() as nursery:
            for user in users[:10]:
                nursery.start_soon(driver.ensure, user)
            for user in users[10:]:
                nursery.start_soon(driver.absent, user.email)
        assert await driver.users() == {user.email: user for user in users[:10]}


async def test_a_restarted_node_is_reached_again_and_its_uptime_and_users_are_gone(tmp_path: Path) -> None:
    node = plain_node(tmp_path)
    with trio.fail_after(30):
        async with open_driver(node) as driver:
            with pytest.raises(
                NodeUnavailable, match="node 'plain' cannot be reached: No such file or directory"
            ):
                await driver.uptime()
            async with running(node, tmp_path) as xray:
                await driver.ensure(new_user(node))
                before = await until_up_for_a_second(driver)
                os.kill(xray.pid, signal.SIGKILL)
                await xray.wait_dead()
                with pytest.raises(NodeUnavailable, match="node 'plain' cannot be reached"):
                    await driver.uptime()
            async with running(node, tmp_path):
                assert await driver.uptime() < before
                assert await driver.count() == 0


async def until_up_for_a_second(driver: XrayDriver) -> int:
    """The node counts whole seconds, so going back can only be seen after the first."""
    while not (uptime := await driver.uptime()):
        await trio.lowlevel.checkpoint()
    return uptime


@pytest.mark.parametrize("email", ["Ann", "", "a>>>b"])
async def test_a_user_that_would_become_a_ghost_is_never_sent(tmp_path: Path, email: str) -> None:
    async with driven(tmp_path) as (driver, _, node):
        with pytest.raises(BadUser):
            await driver.ensure(new_user(node, email))
        with pytest.raises(BadUser):
            await driver.absent("")
        assert await driver.count() == 0


async def test_a_node_without_that_inbound_refuses_in_one_sentence(tmp_path: Path) -> None:
    node = plain_node(tmp_path)
    mistaken = replace(node, inbound_tag="nope")
    async with running(node, tmp_path), open_driver(mistaken) as driver:
        calls: list[Callable[[], Awaitable[object]]] = [
            partial(driver.ensure, new_user(node)),
            partial(driver.absent, "ann"),
            driver.users,
            driver.count,
        ]
        for call in calls:
            with pytest.raises(NodeRefused, match=r"^node 'plain' refuses: .*handler not found: nope"):
                await call()


async def test_a_request_that_the_driver_cannot_express_would_end_the_node(tmp_path: Path) -> None:
    """Why the guard in `messages` exists; if Xray ever survives this, the guard may go."""
    async with driven(tmp_path) as (_, xray, node), raw_channel(node) as raw:
        with pytest.raises(grpc.ConnectionBroken):
            await raw.call(messages.ALTER_INBOUND, messages.inbound_users(node.inbound_tag))
        assert "killed by SIGABRT" in await xray.wait_dead() or xray.returncode() == 2


async def test_two_names_of_one_credential_end_together_on_a_node(tmp_path: Path) -> None:
    """Why a changed user is removed before it is added, and why no list of users may hold such a pair.

    Bytes 6 and 7 make no difference to the node; if Xray ever tells such users apart, these guards may go.
    """
    async with driven(tmp_path) as (driver, _, node), open_endless_site() as site:
        ann = new_user(node, "ann")
        raw = ann.uuid.bytes
        ghost = replace(ann, email="ghost", uuid=UUID(bytes=raw[:6] + b"\x4f\xff" + raw[8:]))
        assert ghost.uuid != ann.uuid
        with pytest.raises(BadUser, match="the same credential"):
            server_config(node, users=[ann, ghost])
        await driver.ensure(ann)
        await driver.ensure(ghost)
        async with open_client(node, ghost.uuid, site, tmp_path) as client:
            await client.download()
            await driver.drop("ghost")
            assert set(await driver.users()) == {"ann"}
            assert await client.is_refused()


async def test_a_list_longer_than_grpc_s_usual_limit_is_read(
    tmp_path: Path,
) -> None:
    node = plain_node(tmp_path)
    users = {f"s{index}.0123456789abcdef": UUID(int=index << 80) for index in range(40_000)}
    config = server_config(node, users=(NodeUser(*user) for user in users.items()), listen="127.0.0.1")
    async with open_xray(config, name=node.name, folder=tmp_path), open_driver(node) as driver:
        assert await driver.count() == len(users)
        found = await driver.users()
    assert {email: user.uuid for email, user in found.items()} == users


async def test_who_is_connected_and_from_where_is_known(tmp_path: Path) -> None:
    async with driven(tmp_path) as (driver, _, node), open_endless_site() as site:
        user = new_user(node)
        await driver.ensure(user)
        assert await driver.online() == {}
        async with open_client(node, user.uuid, site, tmp_path) as client:
            await client.download()
            assert await driver.online() == {user.email: {NEIGHBOUR}}


async def test_what_the_block_raises_comes_out_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(LookupError):
        async with driven(tmp_path):
            raise LookupError


def test_the_driver_is_what_a_panel_s_driver_would_be_too() -> None:
    driver: type[NodeDriver] = XrayDriver
    methods = {name for name in vars(driver) if not name.startswith("_")}
    assert methods == {name for name in vars(NodeDriver) if not name.startswith("_")}
