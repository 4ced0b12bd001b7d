"""Some days from their seed to its judgement: people, their past, the shop at its hours, and what was wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

import trio
from trio.testing import MockClock

from storage.embedded.server import EmbeddedPostgres
from tests.fixtures.postgres import Database, fresh_database
from tests.simulation.expected import expected
from tests.simulation.history import tell_history
from tests.simulation.judgement import Fault, faults_of_access, faults_of_books, faults_of_messages
from tests.simulation.living import Living
from tests.simulation.people import DAY, Life, What, lives
from tests.simulation.stage import open_stage
from tests.simulation.table import Expected, Hours
from tests.simulation.terms import Terms

START: Final = datetime(2026, 11, 23, 12, tzinfo=UTC)
#: A little more after the last look of the workers, so that nothing is seen only by half.
_LAST_LOOK: Final = timedelta(minutes=2)

#: Nobody begins something in the chat that the shop would not be there to end.
_BEFOREHAND: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Lived:
    """How much happened in these days, and what was not as it should be."""

    people: Sequence[Life]
    hours: Hours
    table: Expected
    #: What would have been expected of a shop that had never been closed.
    table_without_pause: Expected
    faults: Sequence[Fault]
    seed: int

    def expect_none(self, *about: str) -> None:
        """Fail with the first faults about these, and the seed that finds them again."""
        found = [str(fault) for fault in self.faults if fault.about in about]
        assert not found, f"seed {self.seed}, {len(found)} faults:\n" + "\n".join(found[:30])


def hours_of(days: int, *pauses: tuple[timedelta, timedelta]) -> Hours:
    """Open for so many days, but for pauses: each from when on, and how long."""
    bounds = [START]
    for since, length in pauses:
        bounds += [START + since, START + since + length]
    bounds.append(START + days * DAY + _LAST_LOOK)
    return Hours(list(zip(bounds[::2], bounds[1::2], strict=True)))


def live(postgres: EmbeddedPostgres, folder: Path, *, seed: int, count: int, hours: Hours) -> Lived:
    """Have so many people live through the days in which the shop is open at these hours."""
    clock = MockClock()
    database = fresh_database(postgres)
    return trio.run(partial(_live, database, folder, clock, seed, count, hours), clock=clock)


async def _live(
    database: Database, folder: Path, clock: MockClock, seed: int, count: int, hours: Hours
) -> Lived:
    people = _who_finds_it_open(lives(seed, START, (hours.end - START).days, count), hours)
    async with open_stage(database, folder, clock, START) as stage, trio.open_nursery() as nursery:
        living = Living(stage)
        await living.introduce(people)
        await tell_history(stage, people)
        assert stage.clock.now() == START, "the week begins when its past is told"
        nursery.start_soon(living.live, people)
        for opens, closes in hours.open:
            await stage.clock.sleep_until(opens)
            async with stage.shop():
                await stage.clock.sleep_until(closes)
        terms = Terms(stage.document)
        table, without = expected(people, terms, hours), expected(people, terms, Hours([(START, hours.end)]))
        faults = [
            *faults_of_messages(table, stage.witness.seen),
            *faults_of_access(table, stage),
            *faults_of_books(database),
        ]
        return Lived(people, hours, table, without, faults, seed)


def _who_finds_it_open(people: Sequence[Life], hours: Hours) -> list[Life]:
    """Those who do nothing while the shop is closed, and whose gifts and invitations come from such people."""
    found = {
        life.id
        for life in people
        if all(deed.at < START or hours.is_open(deed.at, _BEFOREHAND) for deed in life.deeds)
    }
    return [
        life
        for life in people
        if life.id in found and all(not deed.whose or deed.whose in found for deed in life.deeds)
    ]


def kinds_of_deeds(people: Sequence[Life]) -> set[What]:
    """All that these people do."""
    return {deed.what for life in people for deed in life.deeds}
