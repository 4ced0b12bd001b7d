"""A person's own language and time zone, from the bot's introduction to the last refusal."""

from pathlib import Path

import pytest

from tests.actors.town import open_town
from tests.fixtures.postgres import Database
from tests.storage.test_writer import owner_of

MARIA = 2001


@pytest.mark.requirement("N8")
async def test_whoever_chooses_a_language_and_a_time_zone_is_spoken_to_in_them(
    database: Database, tmp_path: Path
) -> None:
    async with open_town(database, tmp_path) as town:
        alice = town.person()
        await alice.say("/language")
        await alice.read("Language: English")
        await alice.press("Русский")
        await alice.read("Язык: Русский")
        await alice.press("Москва")
        await alice.read("Часовой пояс: Москва")
        await alice.say("/plans")
        await alice.press("1 month")
        await alice.press("Stars")
        await alice.pay_invoice()
        await alice.read(r"до \d+ \w+ \d+ г., \d\d:\d\d \(Москва\)")
        invoice, _ = await alice.wait_for(
            lambda each: (each.get("invoice") or {}).get("title"), "the invoice"
        )
        again = await town.telegram.post(
            f"/sandbox/people/{alice.id}/pay", json={"message_id": invoice["message_id"]}, timeout=20
        )
        assert "Этот счёт уже оплачен" in again.json()["reason"]
        await alice.say("/timezone")
        await alice.press("English")
        await alice.read("Time zone: Moscow")


async def test_a_choice_that_is_not_offered_changes_nothing(database: Database, tmp_path: Path) -> None:
    async with open_town(database, tmp_path) as town:
        alice = town.person()
        await alice.say("/start")
        message, _ = await alice.wait_for(lambda each: each.get("text"), "an answer")
        for number, data in enumerate(("language:xx", "time_zone:Mars/Phobos", "mood:good", "")):
            await town.tap(alice, message["message_id"], f"choose:{data}", update_id=900 + number)
        await alice.say("/help")
        await alice.read("I know these")
        with owner_of(database) as owner:
            chosen = owner.execute("SELECT chosen_language, time_zone FROM users").fetchall()
        assert chosen == [(None, None)]


@pytest.mark.requirement("N8")
async def test_telegrams_own_language_counts_until_one_is_chosen(database: Database, tmp_path: Path) -> None:
    async with open_town(database, tmp_path) as town:
        maria = town.person(MARIA)
        await maria.say("/start")
        await maria.read("Здравствуйте, Мария!")
        await maria.press("Язык")
        await maria.press("English")
        await maria.read("Language: English")
        await maria.say("/start")
        await maria.read("Hello, Мария!")


async def test_the_bot_introduces_itself_in_every_language(database: Database, tmp_path: Path) -> None:
    async with open_town(database, tmp_path) as town:
        said = await town.introduced()
        russian = said["translations"]["ru"]
        assert said["description"] == said["translations"]["en"]["description"] != russian["description"]
        names = [command["command"] for command in said["commands"]]
        assert names == [command["command"] for command in russian["commands"]]
        assert {"plans", "language", "help"} <= set(names)
        assert russian["commands"][0]["description"] == "Выбрать тариф"
