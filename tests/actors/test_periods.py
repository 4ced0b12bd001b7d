"""`auto_renewal` and `crypto_payment_watcher` as turnpike is shipped with them: when they look, and at what."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from trio.testing import MockClock

from actors.settings import load_configuration
from actors.tree import _ACTORS, _WITH_SHOP, _parse
from domain.commands import Person, SetAutoRenewal
from domain.entities import Provider
from runtime import Actor, ActorSpec, GroupSpec
from tests.actors.access import rows
from tests.actors.invoices import invoices, open_services, pay
from tests.actors.scenes import buy
from tests.actors.systems import environment
from tests.actors.working import Ticks, at_work, class_of
from tests.fixtures.postgres import Database
from tests.storage.shop import DAY, NOW, Desk, open_desk

_FILE = Path(__file__).parents[2] / "supervisor.toml"

RICH, POOR, UNASKED, LATER = (
    Person(2000 + number, name, None, "en")
    for number, name in enumerate(("Rich", "Poor", "Unasked", "Later"))
)


def shipped(name: str) -> Mapping[str, Any]:
    """The settings of a worker: those of the file, and its own where the file is silent."""
    tree = _parse(load_configuration(_FILE), dict.fromkeys((*_ACTORS, *_WITH_SHOP), Actor))
    [found] = [spec for spec in _specs(tree) if spec.name == name]
    worker = class_of(name)
    return {"period": worker.period, "budget": worker.budget, **found.settings}


def _specs(group: GroupSpec) -> Iterator[ActorSpec]:
    for child in group.children:
        yield from _specs(child) if isinstance(child, GroupSpec) else (child,)


@pytest.fixture(autouse=True)
def clock(mock_clock: MockClock) -> MockClock:
    """Runs like any other, and jumps besides."""
    mock_clock.rate = 1.0
    return mock_clock


@pytest.fixture
def ticks(name: str, monkeypatch: pytest.MonkeyPatch) -> Ticks:
    """Those of the worker that the test is about."""
    ticks = Ticks(class_of(name).tick)
    monkeypatch.setattr(class_of(name), "tick", lambda worker: ticks.tick(worker))
    return ticks


async def next_tick(ticks: Ticks, clock: MockClock, period: float) -> None:
    """The next look comes when the period is over, and not before."""
    ended = len(ticks.iterations)
    clock.jump(period - 2)
    assert not ticks.more_than(ended), "it looks too early"
    clock.jump(2)
    await ticks.until(lambda: len(ticks.iterations) > ended)


async def a_month(desk: Desk, person: Person, *, ends_in: timedelta, credit: bool, renews: bool) -> None:
    desk.now = NOW - 30 * DAY + ends_in
    if credit:
        await buy(desk, person, Provider.CRYPTOPAY, "top_up:500")
    await buy(desk, person, Provider.STARS, "plan:month")
    if renews:
        await desk.do(SetAutoRenewal(await desk.update(person), person, on=True))


def renewed(database: Database) -> dict[str, int]:
    """How many seconds each has bought from the balance."""
    return dict(
        rows(
            database,
            """SELECT first_name, coalesce(sum(duration_seconds), 0)::bigint FROM users
                LEFT JOIN purchases ON user_id = users.id AND kind = 'renewal' AND status = 'paid' GROUP BY 1""",
        )
    )


@pytest.mark.requirement("W1")
@pytest.mark.parametrize("name", ["auto_renewal"])
async def test_every_ten_minutes_who_asked_for_it_is_renewed_from_the_balance_when_the_end_is_near(
    name: str, ticks: Ticks, clock: MockClock, database: Database, tmp_path: Path
) -> None:
    settings = shipped(name)
    assert (settings["period"], settings["budget"]) == (600, 15)
    soon, month = timedelta(hours=12), 30 * 86400
    async with open_desk(database.writer) as desk:
        await a_month(desk, RICH, ends_in=soon, credit=True, renews=True)
        await a_month(desk, POOR, ends_in=soon, credit=False, renews=True)
        await a_month(desk, UNASKED, ends_in=soon, credit=True, renews=False)
        await a_month(desk, LATER, ends_in=soon + timedelta(minutes=15), credit=True, renews=True)
    async with (
        environment(database, tmp_path) as surroundings,
        at_work(ticks, surroundings, name, **settings),
    ):
        await ticks.until(lambda: ticks.iterations)
        assert renewed(database) == {"Rich": month, "Poor": 0, "Unasked": 0, "Later": 0}
        await next_tick(ticks, clock, 600)
        assert renewed(database)["Later"] == 0, "its end is not near yet"
        await next_tick(ticks, clock, 600)
        assert renewed(database) == {"Rich": month, "Poor": 0, "Unasked": 0, "Later": month}
    told = rows(
        database, "SELECT chat_id, kind FROM outbox WHERE kind IN ('renewed', 'renewal_short') ORDER BY 1"
    )
    assert told == [(RICH.id, "renewed"), (POOR.id, "renewal_short"), (LATER.id, "renewed")]
    balances = rows(
        database, "SELECT owner, credits - debits FROM accounts WHERE kind = 'balance' AND credits > 0"
    )
    assert dict(balances) == {RICH.id: 30100, UNASKED.id: 50000, LATER.id: 30100}


@pytest.mark.requirement("W7")
@pytest.mark.parametrize("name", ["crypto_payment_watcher"])
async def test_every_thirty_seconds_crypto_pay_is_asked_and_what_is_paid_is_finalised(
    name: str, ticks: Ticks, clock: MockClock, database: Database, tmp_path: Path
) -> None:
    settings = shipped(name)
    assert (settings["period"], settings["budget"]) == (30, 15)
    async with open_services(tmp_path) as url:
        async with open_desk(database.writer) as desk:
            paid, paid_later, _ = await invoices(desk, [RICH, LATER, POOR], url)
        await pay(paid, url)
        credited = partial(
            rows, database, "SELECT owner, credits FROM accounts WHERE credits > 0 AND kind = 'balance'"
        )
        async with (
            environment(database, tmp_path, cryptopay=url) as surroundings,
            at_work(ticks, surroundings, name, **settings),
        ):
            await ticks.until(lambda: ticks.iterations)
            assert credited() == [(RICH.id, 50000)]
            await pay(paid_later, url)
            await next_tick(ticks, clock, 30)
            assert dict(credited()) == {RICH.id: 50000, LATER.id: 50000}
            await next_tick(ticks, clock, 30)
        told = rows(database, "SELECT chat_id FROM outbox WHERE kind = 'topped_up' ORDER BY 1")
        assert told == [(RICH.id,), (LATER.id,)], "who has not paid hears nothing, and nobody hears it twice"


@pytest.mark.parametrize(
    ("name", "period", "budget"),
    [
        pytest.param("trial_notifications", 300, 15, marks=pytest.mark.requirement("W2")),
        pytest.param("trial_expiry", 300, 15, marks=pytest.mark.requirement("W3")),
        pytest.param("fast_expiry", 60, 15, marks=pytest.mark.requirement("W4")),
        pytest.param("xray_reconciler", 600, 20, marks=pytest.mark.requirement("W5")),
        pytest.param("activation", 30, 15, marks=pytest.mark.requirement("W6")),
        pytest.param("reminders", 900, 15, marks=pytest.mark.requirement("W9")),
    ],
)
async def test_a_worker_is_shipped_with_its_period_and_its_budget_and_looks_when_the_period_is_over(
    name: str, period: int, budget: int, ticks: Ticks, clock: MockClock, database: Database, tmp_path: Path
) -> None:
    settings = shipped(name)
    assert (settings["period"], settings["budget"]) == (period, budget)
    async with (
        environment(database, tmp_path) as surroundings,
        at_work(ticks, surroundings, name, **settings),
    ):
        await ticks.until(lambda: ticks.iterations)
        for _ in range(2):
            await next_tick(ticks, clock, period)
