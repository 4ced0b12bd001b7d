"""Backoff and intensity, as arithmetic."""

from __future__ import annotations

from random import Random

import pytest

from runtime import Intensity
from runtime.restarts import HEALTHY_AFTER, LONGEST_DELAY, Backoff, RestartWindow


def test_the_first_restart_is_immediate_and_each_further_one_waits_longer() -> None:
    backoff, random = Backoff(), Random(1)
    delays = [backoff.failed(0.0, 0, random) for _ in range(12)]
    assert delays[0] == 0
    assert delays[1:6] == [pytest.approx(0.1 * 2**power, rel=0.2) for power in range(5)]
    assert all(delay <= LONGEST_DELAY * 1.2 for delay in delays)
    assert delays[-1] >= LONGEST_DELAY * 0.8


def test_a_healthy_life_ends_the_streak() -> None:
    backoff, random = Backoff(), Random(1)
    for _ in range(5):
        backoff.failed(0.0, 0, random)
    assert backoff.failed(HEALTHY_AFTER, 1, random) == 0


def test_a_long_life_without_one_handled_message_does_not() -> None:
    backoff, random = Backoff(), Random(1)
    for _ in range(5):
        backoff.failed(0.0, 0, random)
    assert backoff.failed(HEALTHY_AFTER * 100, 0, random) > 1


def test_a_streak_of_years_is_still_a_number() -> None:
    backoff, random = Backoff(), Random(1)
    assert max(backoff.failed(0.0, 0, random) for _ in range(5000)) <= LONGEST_DELAY * 1.2


def test_the_window_allows_its_number_and_not_one_more() -> None:
    window = RestartWindow(Intensity(2, 10.0))
    assert [window.exceeded(now) for now in (0.0, 1.0, 2.0)] == [False, False, True]


def test_the_window_forgets_what_is_older_than_its_period() -> None:
    window = RestartWindow(Intensity(2, 10.0))
    assert [window.exceeded(now) for now in (0.0, 1.0, 10.0, 11.0, 20.0, 20.5)] == [False] * 5 + [True]


def test_after_it_was_exceeded_the_count_begins_anew() -> None:
    window = RestartWindow(Intensity(1, 10.0))
    assert [window.exceeded(now) for now in (0.0, 1.0, 2.0, 3.0)] == [False, True, False, True]
