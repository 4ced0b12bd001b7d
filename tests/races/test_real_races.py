"""Renewals, trials, reissues and ends around one moment, with the real actors on PostgreSQL and two real Xray.

    ./run test tests/races/test_real_races.py --campaign 10

Time stands still but for the steps of a millisecond that the test takes, so every command is decided exactly before,
at, or after the end; who comes first within a step is left to chance.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from itertools import chain
from pathlib import Path
from random import Random

import pytest
import trio

from actors.fast_expiry import FastExpiry
from actors.messages import Write
from actors.trial_expiry import TrialExpiry
from actors.xray_reconciler import XrayReconciler
from domain.commands import Person, Received, RecordUpdates, Reissue
from integrations.xray.driver import XrayDriver
from runtime import AdjustableClock, Ref, Tick
from tests.actors.access import behind_our_back, buy, open_access, rows, try_out, until
from tests.actors.systems import Running
from tests.fixtures import xray
from tests.fixtures.postgres import Database
from tests.storage.shop import NOW

MILLISECOND = timedelta(milliseconds=1)
MONTH = timedelta(days=30)
TRIAL = timedelta(days=3)
WORKERS = {"fast_expiry": FastExpiry, "trial_expiry": TrialExpiry, "xray_reconciler": XrayReconciler}

#: How many people do each: pay before, at and after the end of a plan or a trial, or never; or take another key.
EACH = 4

#: Whom the nodes have confirmed as things stand: they must be there, whatever else happens.
VALID = """
    SELECT p.node, g.subscription_id, g.generation FROM grants g JOIN provisions p USING (subscription_id, version)
    WHERE g.present
"""


class StillClock(AdjustableClock):
    """Stands still until it is moved."""

    def __init__(self, start: datetime) -> None:
        super().__init__(start)
        self._moment = start

    def now(self) -> datetime:
        return self._moment

    def move(self, distance: timedelta) -> None:
        self._moment += distance
        super().move(distance)


async def reissue(writer: Ref, user: int) -> None:
    update = 5_000_000 + user
    await writer.call(Write(RecordUpdates((Received(update, user, "{}"),))))
    await writer.call(Write(Reissue(update, Person(user, "Somebody"))))


async def at_some_time(random: Random, act: Callable[[], Awaitable[object]]) -> None:
    """Within the step: after a few turns of the others."""
    for _ in range(random.randint(0, 30)):
        await trio.lowlevel.checkpoint()
    await act()


@asynccontextmanager
async def watched(database: Database, drivers: dict[str, XrayDriver]) -> AsyncIterator[None]:
    """Nobody who is confirmed is ever missing from a node while the block runs."""

    async def watch(name: str, driver: XrayDriver) -> None:
        while True:
            before = set(rows(database, VALID))
            listed = set(await driver.users())
            still = before & set(rows(database, VALID))
            names = {
                f"s{number}.{key}" if key else f"s{number}" for node, number, key in still if node == name
            }
            assert names <= listed, "somebody who has paid was cut"
            await trio.sleep(0.001)

    async with trio.open_nursery() as nursery:
        for name, driver in drivers.items():
            nursery.start_soon(watch, name, driver)
        yield
        nursery.cancel_scope.cancel()


@pytest.mark.requirement("U1", "U2", "U9", "U10", "R1", "R3", "R5", "R9", "I2", "I5")
async def test_whoever_pays_around_the_last_millisecond_is_connected_and_nobody_else_is(
    database: Database, tmp_path: Path, campaign: int
) -> None:
    nodes = [xray.plain_node(tmp_path, name) for name in ("one", "two")]
    clock, random = StillClock(NOW), Random(campaign)
    async with AsyncExitStack() as stack:
        for node in nodes:
            await stack.enter_async_context(xray.running(node, tmp_path))
        here = await stack.enter_async_context(
            open_access(database, tmp_path, *nodes, workers=WORKERS, clock=clock)
        )
        drivers = {node.name: await stack.enter_async_context(behind_our_back(node)) for node in nodes}
        for race in range(campaign):
            await run_race(here, database, drivers, random, clock, first=race * 100 + 1)


async def run_race(
    here: Running,
    database: Database,
    drivers: dict[str, XrayDriver],
    random: Random,
    clock: StillClock,
    first: int,
) -> None:
    writer, everybody = here.system.ref("db_writer"), range(first, first + 9 * EACH)
    groups = [list(everybody[start : start + EACH]) for start in range(0, 9 * EACH, EACH)]
    *plans, never = groups[:4]
    *trials, never_bought = groups[4:8]
    [rekeyed] = groups[8:]
    mine = f"user_id BETWEEN {first} AND {everybody[-1]}"
    async with trio.open_nursery() as nursery:
        for user in (*chain(*plans), *never, *rekeyed):
            nursery.start_soon(buy, writer, user)
    clock.move(MONTH - TRIAL)
    async with trio.open_nursery() as nursery:
        for user in (*chain(*trials), *never_bought):
            nursery.start_soon(try_out, writer, user)
    ready = f"SELECT count(*) FROM subscriptions s JOIN grants g ON g.subscription_id = s.id WHERE {mine} AND g.ready"
    await until(database, f"({ready}) = {len(everybody)}")
    keys = dict(rows(database, f"SELECT user_id, uuid FROM subscriptions WHERE {mine}"))

    clock.move(TRIAL - MILLISECOND)
    async with watched(database, drivers):
        for step, (renewing, buying) in enumerate(zip(plans, trials, strict=True)):
            acts: list[Callable[[], Awaitable[object]]] = [
                partial(buy, writer, user, again=1) for user in (*renewing, *buying)
            ]
            if step == 1:
                acts += [partial(reissue, writer, user) for user in rekeyed]
                acts += [partial(buy, writer, user, again=1) for user in rekeyed]
            acts += [partial(here.system.ref(name).send, Tick()) for name in WORKERS for _ in range(3)]
            random.shuffle(acts)
            async with trio.open_nursery() as nursery:
                for act in acts:
                    nursery.start_soon(at_some_time, random, act)
            clock.move(MILLISECOND)
        for name in ("fast_expiry", "trial_expiry"):
            await here.system.ref(name).send(Tick())
        await until(
            database, f"(SELECT count(*) FROM subscriptions WHERE {mine} AND status = 'expired') = {2 * EACH}"
        )
        pending = """SELECT FROM grants g CROSS JOIN (VALUES ('one'), ('two')) AS nodes (node)
            LEFT JOIN provisions p USING (subscription_id, node) WHERE p.version IS DISTINCT FROM g.version"""
        await until(database, f"NOT EXISTS ({pending})")

    found = {
        user: (status, uuid)
        for user, status, uuid in rows(
            database, f"SELECT user_id, status, uuid FROM subscriptions WHERE {mine}"
        )
    }
    assert {user for user, (status, _) in found.items() if status == "expired"} == {*never, *never_bought}
    assert {user for user, (_, uuid) in found.items() if uuid != keys[user]} == set(rekeyed)
    wanted = {uuid for (uuid,) in rows(database, "SELECT uuid FROM subscriptions WHERE status = 'active'")}
    for driver in drivers.values():
        assert {user.uuid for name, user in (await driver.users()).items() if name.startswith("s")} == wanted
    # Who paid before the end was decided was never ended: their grant is the first that there was.
    in_time = ", ".join(map(str, (*plans[0], *trials[0])))
    version = "SELECT version FROM grants g JOIN subscriptions s ON s.id = g.subscription_id"
    assert set(rows(database, f"{version} WHERE user_id IN ({in_time})")) == {(1,)}
    told = f"SELECT FROM outbox WHERE kind = 'access_ready' AND chat_id BETWEEN {first} AND {everybody[-1]}"
    assert not rows(database, f"{told} GROUP BY chat_id, body HAVING count(*) > 2"), (
        "told of one key three times"
    )
