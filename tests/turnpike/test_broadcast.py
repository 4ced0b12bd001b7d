"""`turnpike broadcast`, as processes against a running system."""

from pathlib import Path

from tests.actors.post import Outbox
from tests.fixtures.postgres import Database
from tests.turnpike.test_money import Shop, shop_in

PEOPLE = range(1001, 1011)


async def test_a_broadcast_is_made_shown_started_and_stopped(database: Database, tmp_path: Path) -> None:
    Outbox(database).meet(*PEOPLE)
    async with shop_in(database, tmp_path) as shop:
        assert await shop.said("broadcast", "status") == "Nothing was broadcast yet.\n"
        text = "Big <b>news</b>\nOur channel - https://t.me/ours"
        made = await shop.said("broadcast", "create", "--text", text, "--language", "en")
        assert made.startswith("broadcast 1 is a draft")
        assert "1001 is shown broadcast 1" in await shop.said("broadcast", "preview", "1", "1001")
        assert await shop.said("broadcast", "start", "1") == "broadcast 1 starts\n"
        assert await shop.said("broadcast", "pause", "1") == "broadcast 1 pauses\n"
        assert await shop.said("broadcast", "resume", "1") == "broadcast 1 goes on\n"
        assert await shop.said("broadcast", "cancel", "1") == "broadcast 1 is cancelled\n"
        heads, row = (await shop.said("broadcast", "status")).splitlines()
        assert heads.split()[:4] == ["broadcast", "state", "for", "reaches"]
        assert row.split()[:5] == ["1", "cancelled", "everyone,", "en", "10"]
        found = await shop.json("broadcast", "status", "1")
        assert (found["html"], found["language"], found["reach"]) == ("Big <b>news</b>", "en", 10)
    kinds = Outbox(database).rows("SELECT chat_id, kind FROM outbox WHERE kind LIKE 'announcement%'")
    assert kinds == [(1001, "announcement_preview")]


async def ids_in(folder: Path, text: str) -> str:
    file = folder / "ids.csv"
    file.write_text(text, encoding="utf-8")
    return str(file)


async def listed(shop: Shop, file: str) -> str:
    return await shop.said("broadcast", "create", "--text", "News", "--ids", file)


async def test_a_list_of_ids_says_whom_it_is_for(database: Database, tmp_path: Path) -> None:
    Outbox(database).meet(*PEOPLE)
    async with shop_in(database, tmp_path) as shop:
        await listed(shop, await ids_in(tmp_path, "id,name\n1001,Alice\n1002,Bob\n\n4711,Nobody\n"))
        await shop.said("broadcast", "start", "1")
        assert (await shop.json("broadcast", "status", "1"))["reach"] == 2


async def test_what_is_wrong_is_one_sentence(database: Database, tmp_path: Path) -> None:
    async with shop_in(database, tmp_path) as shop:
        refused = await shop.refused("broadcast", "create", "--text", "<b>News")
        assert refused == "<b> is not closed"
        assert await shop.refused("broadcast", "start", "3") == "there is no broadcast 3"
        assert await shop.refused("broadcast", "status", "3") == "there is no broadcast 3"
        await shop.said("broadcast", "create", "--text", "News")
        assert "is draft, expected one that is running" in await shop.refused("broadcast", "pause", "1")
        file = await ids_in(tmp_path, "id\nAlice\n")
        sentence = await shop.refused("broadcast", "create", "--text", "News", "--ids", file)
        assert sentence.endswith(":2: found 'Alice', expected the number of a Telegram account")
