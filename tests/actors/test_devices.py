"""More devices than a plan is for, on a real node: their user is told, then the one that came last is kept out."""

from dataclasses import replace
from pathlib import Path

import pytest
import trio

from actors.devices import KEPT_OUT_FOR
from actors.usage import Usage
from domain.devices import PATIENCE
from tests.actors.access import buy, open_access, rows, until
from tests.actors.systems import Running
from tests.actors.test_limits import key_of
from tests.actors.test_usage import MINUTE
from tests.fixtures import xray
from tests.fixtures.downloads import Client, open_client, open_endless_site
from tests.fixtures.postgres import Database
from tests.storage.shop import CATALOGUE

ALONE = replace(CATALOGUE, plans={"month": replace(CATALOGUE.plans["month"], devices=1)})


async def until_refused(here: Running, client: Client) -> None:
    """Let time pass until nothing new gets through."""
    with trio.fail_after(30):
        while not await client.is_refused():
            here.clock.move(MINUTE)


async def until_seen(here: Running, database: Database, condition: str) -> None:
    """Let time pass until this is what is recorded of the one who is connected."""
    with trio.fail_after(30):
        while not rows(database, f"SELECT FROM usage WHERE {condition}"):
            here.clock.move(MINUTE)
            await trio.sleep(0.02)


async def test_who_came_last_is_kept_out_once_it_was_told_and_let_in_after_a_while(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "tests.fixtures.downloads._REFUSAL_SECONDS", 2
    )  # whoever is let in waits for milliseconds
    node = xray.plain_node(tmp_path)
    async with (
        xray.running(node, tmp_path),
        open_access(database, tmp_path, node, workers={"usage": Usage}, catalogue=ALONE) as here,
        open_endless_site() as site,
    ):
        await buy(here.system.ref("db_writer"), 1)
        await until(database, "EXISTS (SELECT FROM provisions WHERE present)")
        key = key_of(database, 1)
        async with open_client(node, key, site, tmp_path, source="127.0.0.3") as phone:
            await phone.download()
            here.clock.move(MINUTE)
            await until(database, "EXISTS (SELECT FROM usage WHERE online = 1)")
            async with open_client(node, key, site, tmp_path, source="127.0.0.2") as laptop:
                await laptop.download()
                here.clock.move(MINUTE)
                await until(
                    database, "EXISTS (SELECT FROM usage WHERE online = 2 AND over_since IS NOT NULL)"
                )
                here.clock.move(PATIENCE)
                await until(database, "EXISTS (SELECT FROM outbox WHERE kind = 'too_many_devices')")
                assert not await laptop.is_refused()
                here.clock.move(PATIENCE)
                await until_refused(here, laptop)
                assert not await phone.is_refused()
            await until_seen(here, database, "online = 1 AND over_since IS NULL")
            here.clock.move(KEPT_OUT_FOR)
            async with open_client(node, key, site, tmp_path, source="127.0.0.2") as laptop:
                with trio.fail_after(30):
                    while await laptop.is_refused():
                        here.clock.move(MINUTE)
        assert rows(database, "SELECT count(*) FROM outbox WHERE kind = 'too_many_devices'") == [(1,)]
        await until_seen(here, database, "online = 0")
