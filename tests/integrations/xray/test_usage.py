"""What users have moved, and which run of the node the figures belong to: nothing is counted twice or lost."""

import os
import signal
from pathlib import Path

import pytest
import trio

from integrations.xray.calls import Calls
from integrations.xray.driver import XrayDriver, open_driver
from integrations.xray.interface import Traffic
from tests.fixtures.downloads import open_client, open_endless_site
from tests.fixtures.xray import new_user, open_tls_site, plain_node, reality_node, running


async def until_moved(driver: XrayDriver, email: str, more_than: int) -> Traffic:
    """What a user has moved, as soon as that many bytes have come down to them."""
    with trio.fail_after(20):
        while True:
            traffic = (await driver.usage()).by_email.get(email, Traffic())
            if traffic.down > more_than:
                return traffic
            await trio.sleep(0.02)


async def test_counters_grow_while_a_connection_is_open_under_vision_too(tmp_path: Path) -> None:
    """Spliced bytes are counted at the end only, so a quota could be overrun by one long connection."""
    async with open_tls_site() as target:
        node, private = reality_node(tmp_path, target)
        async with running(node, tmp_path, private), open_driver(node) as driver, open_endless_site() as site:
            user = new_user(node, "ann")
            await driver.ensure(user)
            assert (await driver.usage()).by_email == {}
            assert (await driver.capabilities()).counts_live
            async with open_client(node, user.uuid, site, tmp_path) as client:
                await client.download()
                first = await until_moved(driver, "ann", 100_000)
                await until_moved(driver, "ann", first.down + 100_000)


async def test_counters_outlive_removal_and_return_of_a_user_and_reading_them(tmp_path: Path) -> None:
    node = plain_node(tmp_path)
    async with running(node, tmp_path), open_driver(node) as driver, open_endless_site() as site:
        user = new_user(node, "ann")
        await driver.ensure(user)
        async with open_client(node, user.uuid, site, tmp_path) as client:
            download = await client.download()
            await until_moved(driver, "ann", 100_000)
            await driver.drop("ann")
            await download.ends()
        last = await driver.usage()
        await driver.ensure(user)
        assert await driver.usage() == last


async def test_a_run_of_a_node_keeps_its_name_for_every_driver_and_another_run_has_another(
    tmp_path: Path,
) -> None:
    """However short the first run was: the uptime alone, in whole seconds, would not tell them apart."""
    node = plain_node(tmp_path)
    seen = []
    for _ in range(2):
        async with running(node, tmp_path) as xray:
            for _ in range(2):
                async with open_driver(node) as driver:
                    seen += [await driver.epoch(), (await driver.usage()).epoch]
            os.kill(xray.pid, signal.SIGKILL)
            await xray.wait_dead()
    assert seen[0] != seen[4]
    assert seen == [seen[0]] * 4 + [seen[4]] * 4


@pytest.mark.parametrize("count", [20_000])
async def test_the_counters_of_many_are_read_without_holding_up_others(tmp_path: Path, count: int) -> None:
    """The list comes as one message of megabytes."""

    class Canned:
        async def call(self, method: str, request: bytes) -> bytes:
            return answer

    answer = b"".join(
        b"\x0a\x23\x0a\x1fuser>>>%05d>>>traffic>>>uplink\x10\x05" % number for number in range(count)
    )
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(count_turns)
        found = await Calls(Canned(), "vless").traffic()  # type: ignore[arg-type]
        nursery.cancel_scope.cancel()
    assert len(found) == count
    assert found["00007"] == Traffic(up=5)
    assert turns >= 10
