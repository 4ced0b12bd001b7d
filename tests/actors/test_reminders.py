"""`reminders` and `trial_notifications` on a real PostgreSQL: everybody is reminded of their own end, once."""

from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import trio

from actors.environment import Environment
from actors.reminders import Reminders
from actors.trial_notifications import TrialNotifications
from runtime import Context, Iteration, Tick
from tests.actors.access import buy, many_subscriptions, open_access, rows, try_out, until
from tests.actors.systems import Running
from tests.fixtures.postgres import Database
from tests.storage.shop import NOW
from tests.storage.test_writer import owner_of

WORKERS = {"reminders": Reminders, "trial_notifications": TrialNotifications}
DAY = timedelta(days=1)

TOLD = "SELECT chat_id, kind FROM outbox WHERE kind IN ('ends_soon', 'come_back') ORDER BY id"


class Watched(Reminders):
    """Keeps what each look did."""

    def __init__(self, context: Context, environment: Environment, looks: list[Iteration]) -> None:
        super().__init__(context, environment)
        self._looks = looks

    async def tick(self) -> Iteration:
        self._looks.append(await super().tick())
        return self._looks[-1]


def due(database: Database, count: int) -> None:
    """As many subscriptions that end in a day and have a reminder due."""
    many_subscriptions(database, count, NOW + DAY)
    with owner_of(database) as owner:
        owner.execute("UPDATE subscriptions SET remind_at = %s", [NOW])


async def look(here: Running) -> None:
    """Have both workers look now."""
    for name in WORKERS:
        here.system.ref(name).cast(Tick())


@pytest.mark.requirement("W2", "W9")
async def test_trials_and_paid_time_are_reminded_of_each_by_their_own_worker(
    database: Database, tmp_path: Path
) -> None:
    async with open_access(database, tmp_path, workers=WORKERS) as here:
        writer = here.system.ref("db_writer")
        await try_out(writer, 1)
        await buy(writer, 2)
        here.clock.move(2 * DAY)
        await look(here)
        await until(database, "count(*) = 1 FROM outbox WHERE kind = 'ends_soon' AND chat_id = 1")
        here.clock.move(25 * DAY)
        await look(here)
        await until(database, "count(*) = 1 FROM outbox WHERE kind = 'ends_soon' AND chat_id = 2")
        await look(here)
        await buy(writer, 2, again=1)
        here.clock.move(30 * DAY)
        await look(here)
        await until(database, "count(*) = 2 FROM outbox WHERE kind = 'ends_soon' AND chat_id = 2")
        assert rows(database, TOLD) == [(1, "ends_soon"), (2, "ends_soon"), (2, "ends_soon")]


@pytest.mark.requirement("R6")
async def test_a_worker_that_is_restarted_between_two_looks_reminds_nobody_twice(
    database: Database, tmp_path: Path
) -> None:
    due(database, 50)
    looks: list[Iteration] = []
    for expected in (Iteration(50, 50), Iteration(0, 0)):
        looks.clear()
        factory = partial(Watched, looks=looks)
        async with open_access(database, tmp_path, workers={"reminders": factory}):
            with trio.fail_after(20):
                while not looks:
                    await trio.sleep(0.01)
        assert looks == [expected]
    assert len(rows(database, TOLD)) == 50
