"""The pacer against a simulated Telegram that counts arrivals in sliding windows, on virtual time."""

import heapq
import random
from collections import defaultdict
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.telegram.pacing import (
    CHAT_SECONDS,
    GROUP_LIMIT,
    GROUP_SECONDS,
    OVERALL_LIMIT,
    OVERALL_SECONDS,
    Pacer,
    Turn,
)

_EPSILON = 1e-9


class Simulation:
    """Concurrent senders, a network that often adds to its delay, a server that counts what it receives."""

    def __init__(self, seed: int, delay: float = 0.02, jitter: float = 0.0) -> None:
        self.pacer = Pacer()
        self.arrivals: list[tuple[float, int]] = []
        self.started: list[tuple[float, int]] = []
        self._random = random.Random(seed)
        self._delay = delay
        self._jitter = jitter

    def run(self, chats: Sequence[int], senders: int) -> None:
        """Each sender takes the next of `chats`, sends to it as soon as it may, and waits for the answer."""
        waiting = list(reversed(chats))
        events: list[tuple[float, int, int | Turn | None]] = [(0.0, n, None) for n in range(senders)]
        number = senders
        while events:
            now, _, what = heapq.heappop(events)
            number += 1
            if isinstance(what, Turn):
                self.pacer.finish(what, now)
                what = None
            if what is None:
                if not waiting:
                    continue
                what = waiting.pop()
            at = self.pacer.earliest(what, now)
            if at > now:
                heapq.heappush(events, (at, number, what))
            else:
                heapq.heappush(events, (self._send(what, now), number, self.pacer.begin(what, now)))

    def _send(self, chat: int, now: float) -> float:
        there = now + self._one_way()
        self.started.append((now, chat))
        self.arrivals.append((there, chat))
        return there + self._one_way()

    def _one_way(self) -> float:
        return self._delay + self._random.choice([0.0, self._random.uniform(0, self._jitter)])


def _most_in_window(times: Sequence[float], seconds: float) -> int:
    """The most arrivals that any window [t, t + seconds) held."""
    ordered, first, most = sorted(times), 0, 0
    for last, time in enumerate(ordered):
        while time - ordered[first] >= seconds - _EPSILON:
            first += 1
        most = max(most, last - first + 1)
    return most


def _by_chat(arrivals: Sequence[tuple[float, int]]) -> dict[int, list[float]]:
    chats: dict[int, list[float]] = defaultdict(list)
    for time, chat in arrivals:
        chats[chat].append(time)
    return chats


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    messages=st.integers(1, 300),
    people=st.integers(1, 300),
    groups=st.integers(0, 3),
    senders=st.integers(1, 40),
    delay=st.floats(0.0, 0.5),
    jitter=st.floats(0.0, 1.5),
)
def test_no_window_at_the_server_ever_holds_more_than_the_limits(
    seed: int, messages: int, people: int, groups: int, senders: int, delay: float, jitter: float
) -> None:
    chats = random.Random(seed).choices([*range(1, people + 1), *range(-groups, 0)], k=messages)
    simulation = Simulation(seed, delay, jitter)
    simulation.run(chats, senders)
    assert sorted(chat for _, chat in simulation.arrivals) == sorted(chats)
    assert _most_in_window([time for time, _ in simulation.arrivals], OVERALL_SECONDS) <= OVERALL_LIMIT
    for chat, times in _by_chat(simulation.arrivals).items():
        assert _most_in_window(times, CHAT_SECONDS) <= 1
        assert chat > 0 or _most_in_window(times, GROUP_SECONDS) <= GROUP_LIMIT


def test_a_steady_network_gets_99_percent_of_the_rate() -> None:
    simulation = Simulation(seed=1, delay=0.05)
    simulation.run(range(1, 901), senders=16)
    assert 900 / (simulation.arrivals[-1][0] + OVERALL_SECONDS / OVERALL_LIMIT) > 0.99 * OVERALL_LIMIT


def test_ten_milliseconds_of_jitter_cost_two_percent_of_the_rate_at_most() -> None:
    simulation = Simulation(seed=2, delay=0.05, jitter=0.01)
    simulation.run(range(1, 901), senders=16)
    assert 900 / simulation.started[-1][0] > 0.97 * OVERALL_LIMIT


def test_one_answer_waits_behind_one_slot_of_a_broadcast_and_not_behind_a_burst() -> None:
    pacer = Pacer()
    turn = pacer.begin(1, 0.0)
    pacer.finish(turn, 0.05)
    assert 0 < pacer.earliest(2, 0.0) < 0.03


def test_a_pause_that_telegram_asks_for_holds_everything_and_shorter_ones_do_not_end_it() -> None:
    pacer = Pacer()
    pacer.retry_after(3.0, 1, now=10.0)
    pacer.retry_after(1.0, 2, now=10.5)
    assert pacer.earliest(1, 10.5) == 13.0
    assert pacer.earliest(2, 20.0) <= 20.0


def test_a_pause_that_telegram_asks_for_in_a_group_holds_the_group_alone() -> None:
    pacer = Pacer()
    pacer.retry_after(30.0, -5, now=10.0)
    assert pacer.earliest(-5, 10.5) == 40.0
    assert pacer.earliest(1, 10.5) <= 10.5
    pacer.begin(1, 50.0)
    assert pacer.earliest(-5, 50.0) <= 50.1


@pytest.mark.requirement("N5")
def test_what_was_sent_before_a_restart_counts() -> None:
    pacer = Pacer()
    for number in range(30):
        pacer.recall(-5 if number < 20 else number, 10.0 + number / 100)
    assert pacer.earliest(29, 10.3) == pytest.approx(11.29)
    assert pacer.earliest(1, 10.3) == pytest.approx(11.0)
    assert pacer.earliest(-5, 10.3) == pytest.approx(70.0)


def test_a_turn_that_was_never_finished_does_not_stop_its_chat_for_ever() -> None:
    pacer = Pacer()
    pacer.begin(1, 0.0)
    assert pacer.earliest(1, 5.0) > 5.0
    assert pacer.earliest(1, 60.0) <= 60.0


def test_memory_does_not_grow_with_the_number_of_chats() -> None:
    simulation = Simulation(seed=3)
    simulation.run(range(1, 5_001), senders=16)
    assert len(simulation.pacer._chats) < 3_000
