"""`fast_expiry` and `trial_expiry` on a real PostgreSQL: everybody ends at their own end, and nobody else's hand."""

from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import trio

from actors.environment import Environment
from actors.fast_expiry import FastExpiry
from actors.trial_expiry import TrialExpiry
from runtime import Context, Iteration, Tick, WorkerStatus
from tests.actors.access import buy, many_subscriptions, open_access, rows, try_out, until
from tests.actors.systems import Running
from tests.fixtures.postgres import Database
from tests.storage.shop import NOW
from tests.storage.test_writer import owner_of

WORKERS = {"fast_expiry": FastExpiry, "trial_expiry": TrialExpiry}
MOMENT = timedelta(milliseconds=1)


class Watched(FastExpiry):
    """Keeps what each look did."""

    def __init__(self, context: Context, environment: Environment, looks: list[Iteration]) -> None:
        super().__init__(context, environment)
        self._looks = looks

    async def tick(self) -> Iteration:
        self._looks.append(await super().tick())
        return self._looks[-1]


class Hasty(Watched):
    """Has time for one page in a look."""

    budget = 0.0


def worker(here: Running, name: str) -> WorkerStatus:
    [status] = [each.worker for each in here.system.status().actors() if each.name == name]
    assert status is not None
    return status


def statuses(database: Database) -> dict[int, str]:
    return dict(rows(database, "SELECT user_id, status FROM subscriptions"))


@pytest.mark.requirement("W3", "W4", "U1")
async def test_a_trial_and_a_paid_subscription_each_end_at_the_moment_of_their_own_end(
    database: Database, tmp_path: Path
) -> None:
    async with open_access(database, tmp_path, workers=WORKERS) as here:
        writer = here.system.ref("db_writer")
        await try_out(writer, 1)
        await buy(writer, 2)
        await try_out(writer, 3)
        await buy(writer, 3)

        here.clock.move(timedelta(days=2))
        for each in WORKERS:
            here.system.ref(each).cast(Tick())
        here.clock.move(timedelta(days=1) - (here.clock.now() - NOW - timedelta(days=2)))
        await until(database, "(SELECT status = 'expired' FROM subscriptions WHERE user_id = 1)")
        assert statuses(database) == {1: "expired", 2: "active", 3: "active"}

        here.clock.move(timedelta(days=27))
        await until(database, "(SELECT status = 'expired' FROM subscriptions WHERE user_id = 2)")
        assert statuses(database)[3] == "active", "what is left of the trial was added to what was paid for"

        here.clock.move(timedelta(days=3))
        await until(database, "(SELECT status = 'expired' FROM subscriptions WHERE user_id = 3)")
        told = rows(database, "SELECT chat_id FROM outbox WHERE kind = 'expired' ORDER BY id")
        assert told == [(1,), (2,), (3,)]


@pytest.mark.requirement("W12")
async def test_a_row_that_cannot_be_ended_is_set_aside_and_everybody_else_ends(
    database: Database, tmp_path: Path
) -> None:
    many_subscriptions(database, 40, NOW + timedelta(hours=1))
    with owner_of(database) as owner:
        owner.execute(b"""
            CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN RAISE EXCEPTION 'poisoned' USING ERRCODE = 'check_violation'; END $$;
            CREATE TRIGGER poison BEFORE UPDATE ON subscriptions FOR EACH ROW
                WHEN (NEW.id IN (7, 30)) EXECUTE FUNCTION poison();
        """)
    looks: list[Iteration] = []
    async with open_access(
        database, tmp_path, workers={"fast_expiry": partial(Watched, looks=looks)}
    ) as here:
        here.clock.move(timedelta(hours=1))
        with trio.fail_after(20):
            while not any(look.due for look in looks):
                await trio.sleep(0.01)
        assert next(look for look in looks if look.due) == Iteration(due=40, done=38)
        assert worker(here, "fast_expiry").aside == 2
        assert [number for number, status in statuses(database).items() if status == "active"] == [7, 30]


@pytest.mark.requirement("W11")
async def test_a_look_that_runs_out_of_time_is_gone_on_with_at_once_from_where_it_stopped(
    database: Database, tmp_path: Path
) -> None:
    many_subscriptions(database, 1200, NOW + timedelta(hours=1))
    looks: list[Iteration] = []
    async with open_access(database, tmp_path, workers={"fast_expiry": partial(Hasty, looks=looks)}) as here:
        here.clock.move(timedelta(hours=1))
        await until(database, "NOT EXISTS (SELECT FROM subscriptions WHERE status = 'active')")
        with trio.fail_after(20):
            while sum(each.done for each in looks) < 1200:
                await trio.sleep(0.01)
    assert [each.due for each in looks if each.due] == [500, 500, 200]
