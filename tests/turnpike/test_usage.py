"""`turnpike usage`: what somebody moved, as a process against a running system."""

from pathlib import Path

from domain.commands import Reading, RecordUsage
from domain.money import Money
from tests.fixtures.postgres import Database
from tests.turnpike.test_money import Shop, shop_in


async def test_what_somebody_moved_is_shown_for_each_node_and_in_all(
    database: Database, tmp_path: Path
) -> None:
    async with shop_in(database, tmp_path) as shop:
        assert await shop.said("usage", "1001") == "User 1001 has never written to the bot.\n"
        await shop.paid("charge", Money(150, "XTR"))
        await moved(shop, "attic", up=999, down=0)
        await moved(shop, "home", up=1_250_000, down=3_000_000_000_000)

        head, heads, *lines = (await shop.said("usage", "1001")).splitlines()
        assert head == "Alice (1001): 1 month, active, ends 2026-12-23 12:00"
        assert heads.split() == ["node", "up", "down", "together", "counted"]
        assert [line.split()[:7] for line in lines] == [
            ["attic", "999", "B", "0", "B", "999", "B"],
            ["home", "1.25", "MB", "3.00", "TB", "3.00", "TB"],
            ["in", "all", "1.25", "MB", "3.00", "TB", "3.00"],
        ]
        told = await shop.json("usage", "1001")
        assert [(node["node"], node["up"], node["down"]) for node in told["nodes"]] == [
            ("attic", 999, 0),
            ("home", 1_250_000, 3_000_000_000_000),
        ]
        assert (told["user"]["up"], told["user"]["down"]) == (1_250_999, 3_000_000_000_000)


async def moved(shop: Shop, node: str, up: int, down: int) -> None:
    await shop.write(RecordUsage(node, "a run", (Reading(1, up, down),)))
