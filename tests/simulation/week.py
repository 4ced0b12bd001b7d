"""Some days from their seed to its judgement: people, their past, the shop at its hours, and what was wrong."""

from collections.abc import Iterator, Sequence
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
from tests.simulation.judgement import (
    Fault,
    faults_of_access,
    faults_of_books,
    faults_of_counts,
    faults_of_messages,
)
from tests.simulation.living import Living
from tests.simulation.people import DAY, Life, What, lives
from tests.simulation.stage import Stage, open_stage
from tests.simulation.table import Expected, Hours
from tests.simulation.terms import Terms

START: Final = datetime(2026, 11, 23, 12, tzinfo=UTC)
#: The shop closes a little after a look of the workers, so that nothing is seen only by half.
_LAST_LOOK: Final = timedelta(minutes=2)

#: Nobody begins something in the chat that the shop would not be there to end.
_BEFOREHAND: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Setting:
    """From a moment on, the clock of the shop's host goes before (or behind) by so much; nothing: it is set right."""

    at: datetime
    wrong_by: timedelta


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
        bounds += [START + since + _LAST_LOOK, START + since + length]
    bounds.append(START + days * DAY + _LAST_LOOK)
    return Hours(list(zip(bounds[::2], bounds[1::2], strict=True)))


def live(
    postgres: EmbeddedPostgres,
    folder: Path,
    *,
    seed: int,
    count: int,
    hours: Hours,
    settings: Sequence[Setting] = (),
) -> Lived:
    """Have so many people live through the days in which the shop is open at these hours.

    Its clock is set as `settings` say; people go by the right time, and keep away while it is wrong.
    """
    clock = MockClock()
    database = fresh_database(postgres)
    lived = partial(_live, database, folder, clock, seed, count, hours, settings)
    return trio.run(lived, clock=clock)


async def _live(
    database: Database,
    folder: Path,
    clock: MockClock,
    seed: int,
    count: int,
    hours: Hours,
    settings: Sequence[Setting],
) -> Lived:
    people = lives(seed, START, (hours.end - START).days, count)
    people = _who_finds_it_open(people, _while_the_clock_is_right(hours, settings))
    async with open_stage(database, folder, clock, START) as stage, trio.open_nursery() as nursery:
        living = Living(stage)
        await living.introduce(people)
        await tell_history(stage, people)
        assert stage.clock.now() == START, "the week begins when its past is told"
        nursery.start_soon(living.live, people)
        nursery.start_soon(_set, stage, settings)
        for opens, closes in hours.open:
            await stage.clock.sleep_until(opens)
            async with stage.shop():
                await stage.clock.sleep_until(closes)
        terms = Terms(stage.document)
        table = expected(people, terms, _as_the_clock_tells(hours, settings))
        without = expected(people, terms, Hours([(START, hours.end)]))
        compared = faults_of_counts if settings else faults_of_messages
        faults = [
            *compared(table, stage.witness.seen),
            *faults_of_access(table, stage),
            *faults_of_books(database),
        ]
        return Lived(people, hours, table, without, faults, seed)


async def _set(stage: Stage, settings: Sequence[Setting]) -> None:
    for setting in settings:
        await stage.clock.sleep_until(setting.at)
        stage.host.wrong_by = setting.wrong_by


def _pairs(settings: Sequence[Setting]) -> Iterator[tuple[Setting, Setting]]:
    """Each setting that is wrong, with the one that is right again."""
    return zip(settings[::2], settings[1::2], strict=True)


def _without(hours: Hours, pauses: Sequence[tuple[datetime, datetime]]) -> Hours:
    if not pauses:
        return hours
    bounds = [hours.open[0][0], *(bound for pause in pauses for bound in pause), hours.end]
    return Hours(list(zip(bounds[::2], bounds[1::2], strict=True)))


def _as_the_clock_tells(hours: Hours, settings: Sequence[Setting]) -> Hours:
    """Set before, the clock skips time, and nothing is new when that comes after all; behind, it does so at the end."""
    return _without(
        hours,
        [
            (wrong.at, wrong.at + wrong.wrong_by if wrong.wrong_by > timedelta(0) else right.at)
            for wrong, right in _pairs(settings)
        ],
    )


def _while_the_clock_is_right(hours: Hours, settings: Sequence[Setting]) -> Hours:
    """The hours without those in which the clock is wrong, or time is done over that was done already."""
    return _without(
        hours,
        [(wrong.at - _BEFOREHAND, right.at + abs(wrong.wrong_by)) for wrong, right in _pairs(settings)],
    )


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
