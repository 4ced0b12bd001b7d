"""Eight hours in which nothing runs: what still makes sense is made up for, and what does not is never said (N7)."""

from collections import Counter
from datetime import timedelta
from typing import Final

import pytest

from storage.embedded.server import EmbeddedPostgres
from tests.simulation.judgement import ACCESS, BOOKS
from tests.simulation.table import Expected
from tests.simulation.week import Lived, hours_of, live

PEOPLE: Final = 60
PEOPLE_MAX: Final = 1000
SEED: Final = 4
HOUR: Final = timedelta(hours=1)

#: Reminders, which are nobody's business any more once their moment is over.
REMINDERS: Final = (
    "ends_soon",
    "ends_soon_short",
    "come_back",
    "trial_ends_soon",
    "trial_come_back",
)


@pytest.fixture(scope="module")
def days(postgres: EmbeddedPostgres, campaign: int, tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """Some days, and eight hours in the middle in which the process is down."""
    count = min(PEOPLE * campaign, PEOPLE_MAX)
    hours = hours_of(3, (40 * HOUR, 8 * HOUR))
    return live(postgres, tmp_path_factory.mktemp("downtime"), seed=SEED, count=count, hours=hours)


def reminders(table: Expected) -> Counter[tuple[int, str]]:
    """How often each person is reminded of what."""
    return Counter((told.chat, told.kind) for told in table.told if told.kind in REMINDERS)


@pytest.mark.requirement("N7")
def test_reminders_that_make_no_sense_any_more_are_dropped_and_the_others_come(days: Lived) -> None:
    assert reminders(days.table_without_pause) - reminders(days.table), "the pause made some senseless"
    days.expect_none(*REMINDERS)


def test_everything_else_is_made_up_for_when_the_shop_opens_again(days: Lived) -> None:
    opens_again = days.hours.open[1][0]
    made_up_for = {told.kind for told in days.table.told if told.at == opens_again}
    assert made_up_for >= {"over", "trial_over", "renewed"}
    days.expect_none(*{fault.about for fault in days.faults} - set(REMINDERS))


def test_the_books_and_everybodys_access_are_as_if_it_had_never_been_closed(days: Lived) -> None:
    assert days.table.outcomes == days.table_without_pause.outcomes
    days.expect_none(ACCESS, BOOKS)
