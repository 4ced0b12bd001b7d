"""Nodes without a keeper, as operators run them: the kernel cuts if it may, and what cannot be done is said."""

import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import trio

from integrations.xray.cutting import CannotCut, KernelCutter, Order
from integrations.xray.driver import XrayDriver, open_driver
from integrations.xray.interface import Capabilities
from integrations.xray.keeper import SUFFIX
from integrations.xray.node import Node, server_config
from integrations.xray.process import open_xray
from integrations.xray.sockets import destroy, may_destroy
from integrations.xray.way import Way, way_on_this_machine
from tests.fixtures.downloads import open_client, open_endless_site
from tests.fixtures.xray import new_user, plain_node

needs_permission = pytest.mark.skipif(
    not may_destroy(), reason="ending others' connections needs CAP_NET_ADMIN and INET_DIAG_DESTROY"
)


class Powerless:
    """What ends no connections."""

    has_keeper = False

    async def check(self) -> None:
        raise CannotCut("nobody may here")

    async def cut(self, orders: Sequence[Order]) -> Sequence[int]:
        raise CannotCut("nobody may here")


@asynccontextmanager
async def operators_node(folder: Path, way: Way | None = None) -> AsyncIterator[tuple[XrayDriver, Node, int]]:
    """An Xray that keeps nothing of who is connected, its driver, and a site to download from."""
    node = plain_node(folder)
    config = server_config(node, listen="127.0.0.1", allow_private_targets=True)
    config["log"] = {"access": "none"}
    with trio.fail_after(60):
        async with (
            open_xray(config, name=node.name, folder=folder),
            open_driver(
                node, way and replace(way, api=partial(trio.open_unix_socket, node.api_socket))
            ) as driver,
            open_endless_site() as site,
        ):
            yield driver, node, site


@needs_permission
@pytest.mark.requirement("U8")
async def test_the_kernel_ends_a_download_and_another_address_s_goes_on(tmp_path: Path) -> None:
    async with operators_node(tmp_path) as (driver, node, site):
        ann, bob = new_user(node, "ann"), new_user(node, "bob")
        await driver.ensure(ann)
        await driver.ensure(bob)
        assert (await driver.capabilities()).cuts
        async with (
            open_client(node, ann.uuid, site, tmp_path) as anns,
            open_client(node, bob.uuid, site, tmp_path, source="127.0.0.3") as bobs,
        ):
            stops, goes_on = await anns.download(), await bobs.download()
            assert await driver.drop("ann")
            with trio.fail_after(2):
                await stops.ends()
            assert await driver.online() == {"bob": {"127.0.0.3"}}
            assert await anns.is_refused()
            await goes_on.goes_on()


@needs_permission
async def test_the_kernel_ends_what_comes_from_that_address_to_that_port_and_nothing_else() -> None:
    async with trio.open_nursery() as nursery:
        server = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        port = server.getsockname()[1]
        listener = trio.SocketListener(trio.socket.from_stdlib_socket(server))
        nursery.start_soon(trio.serve_listeners, echo, [listener])
        cut, left = [
            await trio.open_tcp_stream("127.0.0.1", port, local_address=f"127.0.0.{n}") for n in (2, 3)
        ]
        async with cut, left:
            assert await trio.to_thread.run_sync(destroy, port, ["127.0.0.2", "2001:db8::1"]) == {
                "127.0.0.2": 1
            }
            with pytest.raises(trio.BrokenResourceError):
                await cut.send_all(b"a")
            await left.send_all(b"b")
            assert await left.receive_some() == b"b"
            assert await trio.to_thread.run_sync(destroy, port, ["127.0.0.2"]) == {}
        nursery.cancel_scope.cancel()


async def echo(stream: trio.SocketStream) -> None:
    """Give back what comes."""
    try:
        async for part in stream:
            await stream.send_all(part)
    except trio.BrokenResourceError:
        return


async def test_where_nothing_can_be_cut_it_is_said_and_no_more_can_be_opened(tmp_path: Path) -> None:
    """A multiplexing client is refused everything new over what it has; what is open, stays, and is told."""
    way = Way(trio.sleep_forever, Powerless())
    async with operators_node(tmp_path, way) as (driver, node, site):
        ann = new_user(node, "ann")
        await driver.ensure(ann)
        assert await driver.capabilities() == Capabilities(cuts=False, counts_live=True)
        async with open_client(node, ann.uuid, site, tmp_path, multiplexing=True) as anns:
            stays = await anns.download()
            assert not await driver.drop("ann")
            assert await anns.is_refused()
            await stays.goes_on()
            assert not await driver.drop("ann")
            await driver.ensure(ann)
            await (await anns.download()).goes_on()


async def test_a_block_that_an_earlier_driver_left_is_lifted_with_the_return_of_its_user(
    tmp_path: Path,
) -> None:
    way = Way(trio.sleep_forever, Powerless())
    async with operators_node(tmp_path, way) as (driver, node, site):
        ann = new_user(node, "ann")
        await driver.ensure(ann)
        async with open_client(node, ann.uuid, site, tmp_path, multiplexing=True) as anns:
            await anns.download()
            assert not await driver.drop("ann")
            async with open_driver(replace(node, api_socket=linked(node, tmp_path))) as successor:
                await successor.ensure(ann)
            await (await anns.download()).goes_on()


def linked(node: Node, folder: Path) -> Path:
    """Another name of the API socket, so that a second driver has a lock of its own."""
    path = folder / "again.sock"
    path.symlink_to(node.api_socket)
    return path


async def test_without_permission_it_is_said_what_would_give_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integrations.xray.cutting.may_destroy", lambda: False)
    with pytest.raises(
        CannotCut, match=r"needs the capability CAP_NET_ADMIN: grant it, or let turnpike start"
    ):
        await KernelCutter(1).check()


async def test_a_keeper_that_is_gone_cannot_cut(tmp_path: Path) -> None:
    node = plain_node(tmp_path)
    Path(f"{node.api_socket}{SUFFIX}").touch()
    cutter = way_on_this_machine(node).cutter
    assert cutter.has_keeper
    for attempt in (cutter.check(), cutter.cut([Order("ann")])):
        with pytest.raises(CannotCut, match="cannot be reached"):
            await attempt
