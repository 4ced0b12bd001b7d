"""The process is killed at every step of ending, activating and reconciling access; after a restart all is as if not.

The steps are not listed here: the actors report them in a run that is not killed, and then each is fatal once. In each
round somebody is due; Alice is not, and must not notice. The node is a real Xray that goes on running.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import trio

from domain.commands import FinalizePayment, Person, StartTrial
from domain.entities import Provider
from integrations.xray.driver import XrayDriver
from integrations.xray.node import Node, NodeUser
from runtime import AdjustableClock
from storage.flush import no_step
from tests.actors.access import behind_our_back, open_access, rows, until
from tests.crash.access_victim import Run, die_at
from tests.fixtures import xray
from tests.fixtures.postgres import Database
from tests.storage.shop import ALICE, NOW, Desk, open_desk

MONTH, TRIAL = timedelta(days=30), timedelta(days=3)

#: A step that comes again and again is fatal when it comes for the first, and for the second time.
_TIMES = 2

_AT_REST = "NOT EXISTS (SELECT FROM grants g LEFT JOIN provisions p USING (subscription_id, version) WHERE p IS NULL)"
_NOBODY_DUE = "NOT EXISTS (SELECT FROM subscriptions WHERE status = 'active' AND expires_at <= '{now}')"
_NO_ORPHAN = (
    "EXISTS (SELECT FROM orphans WHERE name = '{orphan}' AND found_at >= '{now}' AND removed_at IS NOT NULL)"
)

#: All that is said of somebody, but for what differs from round to round.
_STATE = """
    SELECT s.status, g.present, g.ready, g.version, p.version = g.version, p.present,
        (SELECT array_agg(kind ORDER BY id) FROM outbox WHERE chat_id = user_id)
    FROM subscriptions s JOIN grants g ON g.subscription_id = s.id LEFT JOIN provisions p USING (subscription_id)
    WHERE user_id = {user}
"""


@dataclass(slots=True)
class Stage:
    """A shop with one node on which Alice stays, whatever happens to others; each round moves time on."""

    database: Database
    folder: Path
    node: Node
    driver: XrayDriver
    now: datetime = NOW
    somebody: Person = ALICE

    async def at_the_writer(self, act: Callable[[Desk, Person], Awaitable[None]]) -> None:
        """Something happens at the writer, with no other actor about."""
        async with open_desk(self.database.writer) as desk:
            desk.now = self.now
            await act(desk, self.somebody)

    async def come_to_rest(self) -> None:
        """The node's actor does all that is to be done."""
        async with open_access(self.database, self.folder, self.node, clock=AdjustableClock(self.now)):
            await until(self.database, _AT_REST)

    async def check_record(self) -> None:
        """Whoever is off was to be, and whoever is recorded as off is (U5); Alice is there."""
        there = set(await self.driver.users())
        query = """SELECT g.subscription_id, g.present, p.present, p.version = g.version FROM grants g
            JOIN provisions p USING (subscription_id)"""
        for number, wanted, had, current in rows(self.database, query):
            name = f"s{number}"
            assert name in there or not (wanted and had and current), "removed without a record"
            assert name not in there or had or not current, "recorded as removed before it was"


async def buy(desk: Desk, person: Person, item: str = "plan:month") -> None:
    purchase = await desk.start(Provider.STARS, item, person)
    payment = FinalizePayment(
        provider=Provider.STARS,
        charge_id=f"charge-{purchase.purchase_id}",
        amount=purchase.price,
        purchase_id=purchase.purchase_id,
        payer=person.id,
    )
    await desk.do(payment)


async def buy_for_years(desk: Desk, person: Person) -> None:
    for _ in range(20):
        await buy(desk, person, "plan:year")


async def try_out(desk: Desk, person: Person) -> None:
    await desk.do(StartTrial(await desk.update(person), person))


async def paid_time_ends(stage: Stage) -> Run:
    """C4: a paid subscription is over."""
    await stage.at_the_writer(buy)
    await stage.come_to_rest()
    stage.now += MONTH
    return the_run(stage, "fast_expiry", _NOBODY_DUE.format(now=stage.now))


async def a_trial_ends(stage: Stage) -> Run:
    """C5: a trial is over."""
    await stage.at_the_writer(try_out)
    await stage.come_to_rest()
    stage.now += TRIAL
    return the_run(stage, "trial_expiry", _NOBODY_DUE.format(now=stage.now))


async def a_node_differs(stage: Stage) -> Run:
    """C6: somebody whom nobody knows is on a node, and somebody who has paid is not."""
    await stage.at_the_writer(buy)
    await stage.come_to_rest()
    [(number,)] = rows(stage.database, f"SELECT id FROM subscriptions WHERE user_id = {stage.somebody.id}")
    await stage.driver.absent(f"s{number}")
    orphan = NodeUser(f"s{900_000 + number}", UUID(int=number << 64))
    await stage.driver.ensure(orphan)
    stage.now += timedelta(minutes=10)
    return the_run(stage, "xray_reconciler", _NO_ORPHAN.format(orphan=orphan.email, now=stage.now))


async def somebody_has_paid(stage: Stage) -> Run:
    """C7: somebody has paid and is on no node."""
    await stage.at_the_writer(buy)
    return the_run(stage, "activation", "NOT EXISTS (SELECT FROM grants WHERE present AND NOT ready)")


def the_run(stage: Stage, worker: str, done: str) -> Run:
    return Run(stage.database, stage.folder, stage.node, worker, stage.now, f"{_AT_REST} AND {done}")


#: Where each path must have been killed at least, besides the steps of the writer.
_STEPS: dict[Callable[[Stage], Awaitable[Run]], set[str]] = {
    paid_time_ends: {"before anything is read", "due read", "page read", "removed", "page applied"},
    a_trial_ends: {"before anything is read", "due read", "page read", "removed", "page applied"},
    a_node_differs: {
        "node listed",
        "node compared",
        "orphans recorded",
        "removed",
        "orphans removed",
        "ensured",
    },
    somebody_has_paid: {"before anything is read", "waiting read", "page read", "ensured", "page applied"},
}
_STEPS_OF_THE_WRITER = {"prefetched", "claim sent", "before commit", "committed"}


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(paid_time_ends, marks=pytest.mark.requirement("C4", "U5")),
        pytest.param(a_trial_ends, marks=pytest.mark.requirement("C5", "U5")),
        pytest.param(a_node_differs, marks=pytest.mark.requirement("C6", "U3", "U5")),
        pytest.param(somebody_has_paid, marks=pytest.mark.requirement("C7", "R4", "U5")),
    ],
    ids=lambda path: path.__name__,
)
async def test_killed_at_any_step_access_comes_to_what_it_would_have_come_to(
    database: Database, tmp_path: Path, path: Callable[[Stage], Awaitable[Run]]
) -> None:
    node, told = xray.plain_node(tmp_path), tmp_path / "steps"
    async with xray.running(node, tmp_path), behind_our_back(node) as driver:
        stage = Stage(database, tmp_path, node, driver)
        await stage.at_the_writer(buy_for_years)
        await stage.come_to_rest()
        expected = await round_of(stage, path, ("none", 1), told, 0)
        names = told.read_text().splitlines()
        assert set(names) >= _STEPS[path] | _STEPS_OF_THE_WRITER
        points = [
            (name, n + 1) for name in dict.fromkeys(names) for n in range(min(names.count(name), _TIMES))
        ]
        for number, fatal in enumerate(points, 1):
            assert await round_of(stage, path, fatal, told, number) == expected, f"killed at {fatal}"


async def round_of(
    stage: Stage,
    path: Callable[[Stage], Awaitable[Run]],
    fatal: tuple[str, int],
    told: Path,
    number: int,
) -> list[tuple[object, ...]]:
    """One round with somebody new, killed at a step and gone on with; what came of it for them."""
    stage.somebody = Person(2000 + number, "Somebody")
    run = await path(stage)
    killed = await trio.to_thread.run_sync(die_at, run, fatal, told)
    assert killed or fatal[1] != 1 or not number, f"there was no step {fatal}"
    if killed:
        assert "s1" in await stage.driver.users(), f"Alice was cut at {fatal}"
        if path is not a_node_differs:
            await stage.check_record()
        await run.to_its_end(no_step)
    assert await is_right(stage, set(await stage.driver.users())), f"killed at {fatal}"
    return rows(stage.database, _STATE.format(user=stage.somebody.id))


async def is_right(stage: Stage, there: set[str]) -> bool:
    """Exactly those are on the node who should be."""
    present = rows(stage.database, "SELECT subscription_id FROM grants WHERE present")
    return {name for name in there if name.startswith("s")} == {f"s{number}" for (number,) in present}
