"""One virtual week of the whole shop: everybody is told what they should be, once, in their words and on their day.

The week is lived once, and each test looks at a part of it. `--campaign 10` has 1,000 people live it.
"""

from typing import Final

import pytest

from storage.embedded.server import EmbeddedPostgres
from tests.simulation.judgement import ACCESS, BOOKS, TWICE, WORDS
from tests.simulation.people import What
from tests.simulation.sightings import KINDS
from tests.simulation.week import Lived, hours_of, kinds_of_deeds, live

PEOPLE: Final = 110
PEOPLE_MAX: Final = 1000
SEED: Final = 1


@pytest.fixture(scope="module")
def week(postgres: EmbeddedPostgres, campaign: int, tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """The week as it was lived."""
    count = min(PEOPLE * campaign, PEOPLE_MAX)
    return live(postgres, tmp_path_factory.mktemp("week"), seed=SEED, count=count, hours=hours_of(days=7))


def test_every_message_of_the_week_came_once_and_none_unexpected(week: Lived) -> None:
    assert kinds_of_deeds(week.people) == set(What)
    assert len(week.table.told) > 4 * len(week.people)
    week.expect_none(*{fault.about for fault in week.faults})


@pytest.mark.parametrize(
    "kinds",
    [
        pytest.param(("renewed", "renewal_short"), marks=pytest.mark.requirement("W1")),
        pytest.param(("trial_ends_soon", "trial_come_back"), marks=pytest.mark.requirement("W2")),
        pytest.param(("trial_over",), marks=pytest.mark.requirement("W3")),
        pytest.param(("over",), marks=pytest.mark.requirement("W4")),
        pytest.param(("topped_up",), marks=pytest.mark.requirement("W7")),
        pytest.param(("ends_soon", "ends_soon_short", "come_back"), marks=pytest.mark.requirement("W9")),
    ],
    ids=lambda kinds: " ".join(kinds),
)
def test_what_a_worker_is_for_was_done_for_everybody_in_time(week: Lived, kinds: tuple[str, ...]) -> None:
    assert set(kinds) <= KINDS
    week.expect_none(*kinds)


@pytest.mark.requirement("R6")
def test_nobody_was_told_anything_twice(week: Lived) -> None:
    week.expect_none(TWICE)


@pytest.mark.requirement("N8")
def test_everybody_read_their_own_language_and_the_dates_of_their_own_clock(week: Lived) -> None:
    week.expect_none(WORDS)


def test_at_the_end_everybody_has_the_access_and_the_balance_that_they_should(week: Lived) -> None:
    week.expect_none(ACCESS)


def test_at_the_end_the_books_balance(week: Lived) -> None:
    week.expect_none(BOOKS)
