"""A plan's traffic on a real node: who has moved all of it is cut and told once, and paying opens it again."""

from dataclasses import replace
from pathlib import Path
from uuid import UUID

import trio

from actors.usage import Usage
from tests.actors.access import buy, link_of, open_access, passes, rows, try_out, until
from tests.actors.test_usage import MINUTE
from tests.fixtures import xray
from tests.fixtures.downloads import open_client, open_endless_site
from tests.fixtures.postgres import Database
from tests.storage.shop import CATALOGUE

TRAFFIC = 1_000_000
LIMITED = replace(CATALOGUE, plans={"month": replace(CATALOGUE.plans["month"], traffic=TRAFFIC)})


def key_of(database: Database, user: int) -> UUID:
    [(uuid,)] = rows(database, f"SELECT uuid FROM subscriptions WHERE user_id = {user}")
    return UUID(str(uuid))


def told(database: Database) -> list[tuple[int, str]]:
    kinds = "('access_ready', 'traffic_runs_out', 'traffic_used_up')"
    return rows(database, f"SELECT chat_id, kind FROM outbox WHERE kind IN {kinds} ORDER BY id")


async def test_who_has_moved_all_of_their_traffic_is_cut_and_told_once_and_paying_opens_the_key_again(
    database: Database, tmp_path: Path
) -> None:
    node = xray.plain_node(tmp_path)
    async with (
        xray.running(node, tmp_path),
        open_access(database, tmp_path, node, workers={"usage": Usage}, catalogue=LIMITED) as here,
        open_endless_site() as site,
    ):
        writer = here.system.ref("db_writer")
        await buy(writer, 1)
        await try_out(writer, 2)  # without a limit
        await until(database, "(SELECT count(*) FROM provisions WHERE present) = 2")
        async with (
            open_client(node, key_of(database, 1), site, tmp_path) as alice,
            open_client(node, key_of(database, 2), site, tmp_path, source="127.0.0.3") as bob,
        ):
            others = await bob.download()
            download = await alice.download()
            await download.goes_on(2 * TRAFFIC // 16384)
            with trio.fail_after(20):
                here.clock.move(MINUTE)
                await download.ends()
            assert await alice.is_refused()
            await others.goes_on()
        for _ in range(3):
            here.clock.move(MINUTE)
        assert sorted(told(database)[:2]) == [(1, "access_ready"), (2, "access_ready")]
        assert told(database)[2:] == [(1, "traffic_used_up")]

        before = key_of(database, 1)
        await buy(writer, 1, again=1)
        await until(database, "EXISTS (SELECT FROM provisions WHERE subscription_id = 1 AND present)")
        assert key_of(database, 1) == before
        assert await passes(link_of(database, node, 1))
        assert told(database)[3:] == [(1, "access_ready")]
