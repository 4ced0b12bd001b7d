"""What a subscription address tells of traffic: to apps in a header, to people on the page, and when it is used up."""

from dataclasses import replace
from pathlib import Path

from actors.messages import Write
from domain.commands import Reading, RecordUsage
from tests.actors.access import buy
from tests.actors.test_subscriptions import open_desk
from tests.actors.test_words import spaced
from tests.fixtures.postgres import Database
from tests.storage.shop import CATALOGUE


async def test_apps_and_the_page_tell_what_was_moved_and_that_it_is_used_up(
    database: Database, tmp_path: Path
) -> None:
    month = replace(CATALOGUE.plans["month"], traffic=3000)
    limited = replace(CATALOGUE, plans={"month": month})
    async with open_desk(database, tmp_path, catalogue=limited) as desk:
        await desk.writer.call(Write(RecordUsage("nl", "a run", (Reading(1, 500, 1500),))))
        assert await desk.entries() == desk.works
        told = (await desk.get()).headers["subscription-userinfo"]
        assert told.startswith("upload=500; download=1500; total=3000; expire=")
        page = spaced((await desk.get("/page")).text)
        assert "Active until" in page
        assert "Traffic: 2 kB of 3 kB" in page

        await desk.writer.call(Write(RecordUsage("de", "a run", (Reading(1, 0, 1000),))))
        [entry] = await desk.entries()
        assert entry.label == "Traffic used up: renew in @test_bot"
        assert "Active until" in (await desk.get("/page")).text

        await buy(desk.writer, 1001, again=1)
        assert await desk.entries() == desk.works
        told = (await desk.get()).headers["subscription-userinfo"]
        assert told.startswith("upload=0; download=0; total=3000; expire=")
