"""The clock of the host is set wrong, both ways, and right again: nothing is said twice, and nothing forgotten."""

from datetime import timedelta
from typing import Final

import pytest

from storage.embedded.server import EmbeddedPostgres
from tests.simulation.judgement import ACCESS, BOOKS
from tests.simulation.week import START, Lived, Setting, hours_of, live

PEOPLE: Final = 60
PEOPLE_MAX: Final = 1000
SEED: Final = 1

_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = 60 * _MINUTE

#: Three hours before, for an hour; on the next day two behind.
SETTINGS: Final = (
    Setting(START + 9 * _HOUR + 14 * _MINUTE, 3 * _HOUR),
    Setting(START + 10 * _HOUR + 14 * _MINUTE, 0 * _HOUR),
    Setting(START + 34 * _HOUR + 29 * _MINUTE, -2 * _HOUR),
    Setting(START + 35 * _HOUR + 29 * _MINUTE, 0 * _HOUR),
)


@pytest.fixture(scope="module")
def days(postgres: EmbeddedPostgres, campaign: int, tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """Some days in which the clock is set four times."""
    return live(
        postgres,
        tmp_path_factory.mktemp("clock"),
        seed=SEED,
        count=min(PEOPLE * campaign, PEOPLE_MAX),
        hours=hours_of(3),
        settings=SETTINGS,
    )


@pytest.mark.requirement("R6")
def test_what_was_told_while_the_clock_was_wrong_is_not_told_again_when_it_is_right(days: Lived) -> None:
    for wrong, right in (SETTINGS[:2], SETTINGS[2:]):
        skipped = (wrong.at - 2 * _HOUR, right.at + 3 * _HOUR)
        assert sum(skipped[0] < told.at < skipped[1] for told in days.table.told) > 3, "something is at stake"
    days.expect_none(*{fault.about for fault in days.faults} - {ACCESS, BOOKS})


def test_access_and_books_come_right_with_the_clock(days: Lived) -> None:
    days.expect_none(ACCESS, BOOKS)
