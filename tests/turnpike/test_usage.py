"""`turnpike usage`: what somebody moved, as a process against a running system."""

from dataclasses import replace
from pathlib import Path

from domain.commands import Online, Reading, RecordOnline, RecordUsage
from domain.money import Money
from tests.fixtures.postgres import Database
from tests.storage.shop import CATALOGUE
from tests.turnpike.test_money import Shop, shop_in


async def test_what_somebody_moved_is_shown_for_each_node_and_in_all(
    database: Database, tmp_path: Path
) -> None:
    async with shop_in(database, tmp_path) as shop:
        assert await shop.said("usage", "1001") == "User 1001 has never written to the bot.\n"
        await shop.paid("charge", Money(150, "XTR"))
        await moved(shop, "attic", up=999, down=0)
        await moved(shop, "home", up=1_250_000, down=3_000_000_000_000)

        head, limits, heads, *lines = (await shop.said("usage", "1001")).splitlines()
        assert head == "Alice (1001): 1 month, active, ends 2026-12-23 12:00"
        assert limits == "3 TB used; online from 0 addresses"
        assert heads.split() == ["node", "up", "down", "together", "counted"]
        assert [line.split()[:7] for line in lines] == [
            ["attic", "999", "B", "0", "B", "999", "B"],
            ["home", "1.25", "MB", "3", "TB", "3", "TB"],
            ["in", "all", "1.25", "MB", "3", "TB", "3"],
        ]
        told = await shop.json("usage", "1001")
        assert [(node["node"], node["up"], node["down"]) for node in told["nodes"]] == [
            ("attic", 999, 0),
            ("home", 1_250_000, 3_000_000_000_000),
        ]
        assert (told["user"]["up"], told["user"]["down"]) == (1_250_999, 3_000_000_000_000)


async def test_the_limits_of_a_plan_are_shown_with_how_far_they_are_used(
    database: Database, tmp_path: Path
) -> None:
    month = replace(CATALOGUE.plans["month"], traffic=10**9, devices=2)
    async with shop_in(database, tmp_path, catalogue=replace(CATALOGUE, plans={"month": month})) as shop:
        await shop.paid("charge", Money(150, "XTR"))
        await shop.write(RecordOnline((Online(1, 3),)))
        await moved(shop, "home", up=0, down=999_999_999)
        assert (await shop.said("usage", "1001")).splitlines()[1] == (
            "999 MB of 1 GB used; online from 3 of 2 addresses"
        )
        await moved(shop, "home", up=1, down=999_999_999)
        assert (await shop.said("usage", "1001")).splitlines()[1] == (
            "1 GB of 1 GB used, access is stopped; online from 3 of 2 addresses"
        )
        assert (
            await shop.said("traffic", "1001", "2 GB", "--reason", "an outage") == "user 1001 has 2 GB more\n"
        )
        assert (await shop.said("usage", "1001")).splitlines()[1] == (
            "1 GB of 3 GB used; online from 3 of 2 addresses"
        )
        wrong = await shop.turnpike("traffic", "1001", "much", "--reason", "an outage")
        assert wrong.returncode == 2
        assert "AMOUNT: found 'much', expected an amount such as '100 GB'" in wrong.stderr


async def moved(shop: Shop, node: str, up: int, down: int) -> None:
    await shop.write(RecordUsage(node, "a run", (Reading(1, up, down),)))
