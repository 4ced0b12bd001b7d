"""Grace on a real Xray: after the end people reach where they can pay and nothing else, with the key that they have."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import trio

from actors.fast_expiry import FastExpiry
from actors.grace import TELEGRAM, GraceEntry, check_hosts, hosts_in_grace
from actors.xray_reconciler import XrayReconciler
from integrations.xray.node import NodeUser
from integrations.xray.probe import ProbeResult, probe
from runtime import Tick
from tests.actors.access import behind_our_back, buy, link_of, open_access, rows, until
from tests.fixtures import xray
from tests.fixtures.postgres import Database
from tests.storage.shop import CATALOGUE

MONTH, GRACE = timedelta(days=30), timedelta(days=2)

#: Where people pay, and where they would rather be.
PAYMENT_PAGE, ELSEWHERE = "127.0.0.2", "127.0.0.1"


async def reaches(link: str, host: str) -> bool:
    async with xray.open_site(host=host) as site:
        return isinstance(await probe(link, site, timeout=3), ProbeResult)


async def both(link: str) -> tuple[bool, bool]:
    return await reaches(link, PAYMENT_PAGE), await reaches(link, ELSEWHERE)


@pytest.mark.parametrize("hidden", [False, True], ids=["plain", "reality"])
async def test_in_grace_the_same_key_reaches_the_payment_page_only_and_paying_opens_everything(
    database: Database, tmp_path: Path, hidden: bool
) -> None:
    async with xray.open_tls_site() as target:
        node, private = xray.reality_node(tmp_path, target) if hidden else (xray.plain_node(tmp_path), None)
        node = replace(node, grace=("pay.example.com", f"{PAYMENT_PAGE}/32"))
        confirmed = "(SELECT count(*) FROM provisions WHERE version = {}) = 1"
        async with (
            xray.running(node, tmp_path, private),
            open_access(
                database,
                tmp_path,
                node,
                workers={"fast_expiry": FastExpiry},
                catalogue=replace(CATALOGUE, grace=GRACE),
            ) as here,
        ):
            writer = here.system.ref("db_writer")
            await buy(writer, 1)
            await until(database, confirmed.format(1))
            link = link_of(database, node, 1)
            assert await both(link) == (True, True)

            here.clock.move(MONTH)
            await until(database, confirmed.format(2))
            assert link_of(database, node, 1) == link
            assert await both(link) == (True, False)

            await buy(writer, 1, again=1)
            await until(database, confirmed.format(3))
            assert await both(link) == (True, True)

            here.clock.move(MONTH + GRACE)
            await until(database, "(SELECT status = 'expired' FROM subscriptions)")
            await until(database, "(SELECT NOT present FROM provisions)")
            assert await both(link) == (False, False)


async def test_a_name_from_before_the_end_gives_nobody_in_grace_more_than_grace(
    database: Database, tmp_path: Path
) -> None:
    """As after the restart of a node that begins with a list from before."""
    node = replace(xray.plain_node(tmp_path), grace=(f"{PAYMENT_PAGE}/32",))
    workers = {"fast_expiry": FastExpiry, "xray_reconciler": XrayReconciler}
    async with (
        xray.running(node, tmp_path),
        behind_our_back(node) as driver,
        open_access(
            database, tmp_path, node, workers=workers, catalogue=replace(CATALOGUE, grace=GRACE)
        ) as here,
    ):
        await buy(here.system.ref("db_writer"), 1)
        await until(database, "(SELECT version = 1 FROM provisions)")
        here.clock.move(MONTH)
        await until(database, "(SELECT version = 2 FROM provisions)")
        [(uuid,)] = rows(database, "SELECT uuid FROM subscriptions")
        await driver.ensure(NodeUser("s1", uuid))
        await here.system.ref("xray_reconciler").send(Tick())
        with trio.fail_after(20):
            while {"s1", "g1"} & (await driver.users()).keys() != {"g1"}:
                await trio.sleep(0.01)
        await until(database, "EXISTS (SELECT FROM orphans WHERE removed_at IS NOT NULL)")
        assert await both(link_of(database, node, 1)) == (True, False)


async def test_on_a_node_that_cannot_tell_who_is_in_grace_nobody_is(
    database: Database, tmp_path: Path
) -> None:
    node = xray.plain_node(tmp_path)
    async with (
        xray.running(node, tmp_path),
        open_access(
            database,
            tmp_path,
            node,
            workers={"fast_expiry": FastExpiry},
            catalogue=replace(CATALOGUE, grace=GRACE),
        ) as here,
    ):
        await buy(here.system.ref("db_writer"), 1)
        await until(database, "EXISTS (SELECT FROM provisions)")
        here.clock.move(MONTH)
        await until(database, "(SELECT version = 2 AND NOT present FROM provisions)")
        assert rows(database, "SELECT status FROM subscriptions") == [("grace",)]
        assert await both(link_of(database, node, 1)) == (False, False)


@pytest.mark.parametrize(
    "host", ["", "localhost", "https://pay.example.com", "*.example.com", "203.0.113.0/33"]
)
def test_what_is_no_host_is_one_sentence(host: str) -> None:
    with pytest.raises(ValueError, match=r"^grace.hosts: found .*, expected a name such as"):
        check_hosts(GraceEntry("3d", (host,)))


def test_telegram_the_named_hosts_and_our_own_pages_are_reached_in_grace() -> None:
    entry = GraceEntry("3d", ("pay.example.com", "203.0.113.0/24"))
    check_hosts(entry)
    check_hosts(GraceEntry("3d", tuple(TELEGRAM)))
    assert hosts_in_grace(entry, "https://vpn.example.com") == (*TELEGRAM, *entry.hosts, "vpn.example.com")
    assert hosts_in_grace(entry, "http://127.0.0.1:8080") == (*TELEGRAM, *entry.hosts)
    assert hosts_in_grace(None, "https://vpn.example.com") == ()
