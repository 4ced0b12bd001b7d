"""A removed user's open connections end at once, and nobody else's: on real Xray, with real clients (U8)."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trio

from integrations.xray.driver import XrayDriver, open_driver
from integrations.xray.node import Node, NodeUser
from tests.fixtures.downloads import Client, open_client, open_endless_site
from tests.fixtures.xray import new_user, open_tls_site, plain_node, reality_node, running


@dataclass(frozen=True)
class Here:
    """A running node and its driver; `join` gives somebody access and an app."""

    node: Node
    driver: XrayDriver
    site: int
    folder: Path
    resources: AsyncExitStack

    async def join(
        self, email: str, *, multiplexing: bool = False, source: str = "127.0.0.2"
    ) -> tuple[NodeUser, Client]:
        user = new_user(self.node, email)
        await self.driver.ensure(user)
        client = open_client(
            self.node, user.uuid, self.site, self.folder, multiplexing=multiplexing, source=source
        )
        return user, await self.resources.enter_async_context(client)


@asynccontextmanager
async def hidden(folder: Path) -> AsyncIterator[Here]:
    """REALITY with vision."""
    async with open_tls_site() as target:
        node, private = reality_node(folder, target)
        async with running(node, folder, private), driven(node, folder) as here:
            yield here


@asynccontextmanager
async def plain(folder: Path) -> AsyncIterator[Here]:
    """No flow, so clients may multiplex."""
    node = plain_node(folder)
    async with running(node, folder), driven(node, folder) as here:
        yield here


@asynccontextmanager
async def driven(node: Node, folder: Path) -> AsyncIterator[Here]:
    """A driver and a site to download from; a test that waits for ever fails."""
    with trio.fail_after(60):
        async with open_driver(node) as driver, open_endless_site() as site, AsyncExitStack() as resources:
            yield Here(node, driver, site, folder, resources)


@pytest.mark.requirement("U8")
async def test_under_reality_and_vision_an_open_download_stops_and_another_user_s_goes_on(
    tmp_path: Path,
) -> None:
    async with hidden(tmp_path) as here:
        ann, anns = await here.join("ann")
        _, bobs = await here.join("bob")
        stops, goes_on = await anns.download(), await bobs.download()
        await stops.goes_on()
        assert set(await here.driver.online()) == {"ann", "bob"}
        assert await here.driver.drop(ann.email)
        with trio.fail_after(2):
            await stops.ends()
        assert set(await here.driver.online()) == {"bob"}
        assert await anns.is_refused()
        await goes_on.goes_on()


@pytest.mark.requirement("U8")
async def test_a_multiplexing_client_is_cut_and_gets_nothing_over_what_it_had_open(tmp_path: Path) -> None:
    async with plain(tmp_path) as here:
        ann, anns = await here.join("ann", multiplexing=True)
        _, bobs = await here.join("bob", multiplexing=True)
        downloads = [await anns.download() for _ in range(3)]
        goes_on = await bobs.download()
        assert await here.driver.drop(ann.email)
        for download in downloads:
            with trio.fail_after(2):
                await download.ends()
        assert await anns.is_refused()
        await goes_on.goes_on()


async def test_the_removal_alone_leaves_a_multiplexing_client_all_it_wants(tmp_path: Path) -> None:
    """Why cutting exists; if Xray ever ends them itself, `drop` may become `absent`."""
    async with plain(tmp_path) as here:
        ann, anns = await here.join("ann", multiplexing=True)
        first = await anns.download()
        await here.driver.absent(ann.email)
        await first.goes_on()
        await (await anns.download()).goes_on()


@pytest.mark.requirement("U8")
async def test_users_who_share_an_address_are_told_apart(tmp_path: Path) -> None:
    """As behind a carrier's one address; loopback, which the node never lists, is one too."""
    async with plain(tmp_path) as here:
        ann, anns = await here.join("ann", source="127.0.0.1")
        _, bobs = await here.join("bob", source="127.0.0.1")
        stops, goes_on = await anns.download(), await bobs.download()
        assert await here.driver.online() == {}
        assert await here.driver.drop(ann.email)
        with trio.fail_after(2):
            await stops.ends()
        await goes_on.goes_on()


async def test_who_comes_back_after_a_cut_is_served(tmp_path: Path) -> None:
    async with plain(tmp_path) as here:
        ann, anns = await here.join("ann", multiplexing=True)
        await anns.download()
        assert await here.driver.drop(ann.email)
        await here.driver.ensure(ann)
        await (await anns.download()).goes_on()


async def test_dropping_somebody_who_is_not_connected_or_not_there_is_done_at_once(tmp_path: Path) -> None:
    async with plain(tmp_path) as here:
        await here.driver.ensure(new_user(here.node, "ann"))
        for _ in range(2):
            assert await here.driver.drop("ann")
        assert await here.driver.drop("never-there")
        assert await here.driver.count() == 0


@pytest.mark.requirement("U8")
async def test_many_are_dropped_together(tmp_path: Path) -> None:
    async with plain(tmp_path) as here:
        names = [f"s{number}" for number in range(6)]
        joined = [await here.join(name) for name in names]
        downloads = [await client.download() for _, client in joined]
        async with trio.open_nursery() as nursery:
            for name in names[1:]:
                nursery.start_soon(here.driver.drop, name)
        for download in downloads[1:]:
            with trio.fail_after(2):
                await download.ends()
        await downloads[0].goes_on()
