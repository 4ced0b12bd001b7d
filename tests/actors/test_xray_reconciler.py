"""`xray_reconciler` on real Xray: orphans go, who is missing comes back, and no valid user is ever touched."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
import trio

from actors.fast_expiry import FastExpiry
from actors.messages import Compare, Compared
from actors.xray_reconciler import XrayReconciler
from domain.reconciliation import ORPHANS_ALWAYS_REMOVED
from integrations.xray.driver import XrayDriver
from integrations.xray.node import NodeUser
from runtime import Ask, Declined, Tick
from tests.actors.access import behind_our_back, buy, open_access, rows, until
from tests.actors.test_activation import alert
from tests.fixtures import xray
from tests.fixtures.postgres import Database

RECONCILER = {"xray_reconciler": XrayReconciler}


async def names(driver: XrayDriver) -> set[str]:
    return {name for name in await driver.users() if name.startswith("s")}


def stranger(number: int) -> NodeUser:
    return NodeUser(f"s{number}", UUID(int=number << 64))


@pytest.mark.requirement("W5", "U3", "U4", "U5")
async def test_orphans_are_removed_on_the_record_and_who_is_missing_is_given_back(
    database: Database, tmp_path: Path
) -> None:
    node = xray.plain_node(tmp_path)
    async with xray.running(node, tmp_path), behind_our_back(node) as driver:
        async with open_access(database, tmp_path, node, workers=RECONCILER) as here:
            for user in (1, 2, 3):
                await buy(here.system.ref("db_writer"), user)
            await until(database, "(SELECT count(*) FROM provisions) = 3")
            await driver.absent("s1")
            await driver.ensure(NodeUser("s2", UUID(int=7 << 64)))
            for other in (stranger(900), NodeUser("bob", UUID(int=8 << 64))):
                await driver.ensure(other)

            here.clock.move(timedelta(minutes=10))
            await until(database, "EXISTS (SELECT FROM orphans WHERE removed_at IS NOT NULL)")
            with trio.fail_after(20):
                while await names(driver) != {"s1", "s2", "s3"}:
                    await trio.sleep(0.01)
            users = await driver.users()
        assert rows(database, "SELECT node, name, uuid FROM orphans") == [
            ("plain", "s900", stranger(900).uuid)
        ]
        assert {users[f"s{n}"].uuid for n in (1, 2, 3)} == {
            uuid for (uuid,) in rows(database, "SELECT uuid FROM subscriptions")
        }
        assert "bob" in users, "names that are not ours belong to somebody else"


async def test_a_comparison_says_how_many_it_has_given_back_and_removed(
    database: Database, tmp_path: Path
) -> None:
    node = xray.plain_node(tmp_path)
    async with (
        xray.running(node, tmp_path),
        behind_our_back(node) as driver,
        open_access(database, tmp_path, node) as here,
    ):
        for user in (1, 2, 3):
            await buy(here.system.ref("db_writer"), user)
        await until(database, "(SELECT count(*) FROM provisions) = 3")
        for name in ("s1", "s2", "s3"):
            await driver.absent(name)
        await driver.ensure(stranger(900))
        found = await here.system.ref("vpn/plain/comparison").call(Compare(percent=100, confirmed=0))
        assert found == Compared(users=1, missing=3, restored=3, orphans=1, removed=1, held_back=0)


@pytest.mark.requirement("U3")
async def test_an_orphan_with_the_uuid_of_a_paid_subscription_is_left_alone(
    database: Database, tmp_path: Path
) -> None:
    """Removing either of two names with one UUID would cut both."""
    node = xray.plain_node(tmp_path)
    async with (
        xray.running(node, tmp_path),
        behind_our_back(node) as driver,
        open_access(database, tmp_path, node, workers=RECONCILER) as here,
    ):
        await buy(here.system.ref("db_writer"), 1)
        await until(database, "EXISTS (SELECT FROM provisions)")
        [(uuid,)] = rows(database, "SELECT uuid FROM subscriptions")
        await driver.ensure(NodeUser("s77", uuid))
        await driver.ensure(stranger(900))
        here.clock.move(timedelta(minutes=10))
        await until(database, "EXISTS (SELECT FROM orphans WHERE removed_at IS NOT NULL)")
        assert await names(driver) == {"s1", "s77"}


@pytest.mark.requirement("W5")
async def test_a_database_that_knows_nobody_empties_no_node_until_an_operator_says_so(
    database: Database, tmp_path: Path
) -> None:
    node = xray.plain_node(tmp_path)
    async with xray.running(node, tmp_path), behind_our_back(node) as driver:
        for number in range(900, 920):
            await driver.ensure(stranger(number))
        async with open_access(database, tmp_path, node, workers=RECONCILER) as here:
            reconciler = here.system.ref("xray_reconciler")
            with trio.fail_after(20):
                while (text := alert(here, "xray_reconciler")) is None:
                    await trio.sleep(0.01)
            assert text.startswith("20 of 20 users of node plain are not in the database")
            with pytest.raises(Declined, match="no node is named 'plane'"):
                await reconciler.call(Ask("plane"))
            assert len(await names(driver)) == 20

            assert "up to 20 users" in await reconciler.call(Ask("plain"))
            with trio.fail_after(20):
                while await names(driver) or alert(here, "xray_reconciler"):
                    await trio.sleep(0.01)
            with pytest.raises(Declined, match="nothing is held back"):
                await reconciler.call(Ask("plain"))


@pytest.mark.requirement("R5", "U3")
async def test_while_people_buy_and_expire_reconciliation_without_a_pause_touches_nobody_valid(
    database: Database, tmp_path: Path, campaign: int
) -> None:
    node, people = xray.plain_node(tmp_path), 24 * campaign
    workers = {**RECONCILER, "fast_expiry": FastExpiry}
    valid = "SELECT g.subscription_id FROM grants g JOIN provisions p USING (subscription_id, version) WHERE g.present"
    async with xray.running(node, tmp_path), behind_our_back(node) as driver:
        async with (
            open_access(database, tmp_path, node, workers=workers) as here,
            trio.open_nursery() as nursery,
        ):

            async def reconcile() -> None:
                while True:
                    await here.system.ref("xray_reconciler").send(Tick())
                    await trio.sleep(0.001)

            async def watch() -> None:
                while True:
                    before = set(rows(database, valid))
                    listed = await names(driver)
                    lost = {f"s{n}" for (n,) in before & set(rows(database, valid))} - listed
                    assert not lost, "somebody who is valid was removed"
                    await trio.sleep(0.001)

            nursery.start_soon(reconcile)
            nursery.start_soon(watch)
            removed = "(SELECT count(*) FROM orphans WHERE removed_at IS NOT NULL)"
            for user in range(1, people + 1):
                await until(
                    database, f"{removed} > {user - ORPHANS_ALWAYS_REMOVED}"
                )  # more would be held back
                await buy(here.system.ref("db_writer"), user)
                await driver.ensure(stranger(900_000 + user))
                here.clock.move(timedelta(days=2))
            active = "(SELECT count(*) FROM subscriptions WHERE status = 'active')"
            await until(database, f"(SELECT count(*) FROM ({valid}) AS valid) = {active}")
            await until(database, f"{removed} = {people}")
            nursery.cancel_scope.cancel()
        orphans = [name for (name,) in rows(database, "SELECT name FROM orphans")]
        assert all(len(name) == 7 for name in orphans), "somebody known looked like an orphan"
