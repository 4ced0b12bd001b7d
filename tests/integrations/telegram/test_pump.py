"""The sending loop: what goes first, what an answer of Telegram's holds up and whom, and what a cancellation leaves."""

from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import MockClock

from integrations.telegram.outgoing import Delivered, Outcome, Permanent, Temporary, Unknown
from integrations.telegram.pacing import Pacer
from integrations.telegram.pump import AT_ONCE, RESERVED, Pump, Verdict

_PROMPT, _REMINDER, _BROADCAST = range(3)
_ROUND_TRIP = 0.05


class Office:
    """The pump's owner: messages are numbers, outcomes are what a test says, else delivered."""

    def __init__(self) -> None:
        self.open = True
        self.pump: Pump[int] = Pump(self, Pacer(), priorities=3, prepared_ahead=2, open_for=lambda: self.open)
        self.outcomes: dict[int, deque[Outcome]] = defaultdict(deque)
        self.verdicts: dict[int, deque[Verdict]] = defaultdict(deque)
        self.too_old: set[int] = set()
        self.hangs: set[int] = set()
        self.unwanted: set[int] = set()
        self.prepared: list[int] = []
        self.sent: list[tuple[float, int]] = []
        self.settled: list[tuple[int, Outcome | None]] = []
        self.given_back: list[int] = []
        self._changed = trio.Event()

    async def prepare(self, what: int) -> bool:
        await trio.lowlevel.checkpoint()
        self.prepared.append(what)
        return what not in self.unwanted

    def expired(self, what: int) -> bool:
        return what in self.too_old

    async def send(self, what: int) -> Outcome:
        self.sent.append((trio.current_time(), what))
        await trio.sleep(10 if what in self.hangs else _ROUND_TRIP)
        answers = self.outcomes[what]
        return answers.popleft() if answers else Delivered(what)

    async def settle(self, what: int, outcome: Outcome | None) -> Verdict:
        self.settled.append((what, outcome))
        changed, self._changed = self._changed, trio.Event()
        changed.set()
        return self.verdicts[what].popleft() if self.verdicts[what] else Verdict.DONE

    async def give_back(self, unsent: Sequence[int]) -> None:
        await trio.lowlevel.checkpoint()
        self.given_back += unsent

    async def until(self, settled: int) -> None:
        """Wait for that many to be settled."""
        with trio.fail_after(600):
            while len(self.settled) < settled:
                await self._changed.wait()

    @property
    def order(self) -> list[int]:
        return [what for _, what in self.sent]

    def started(self, what: int) -> float:
        return next(at for at, each in self.sent if each == what)


@asynccontextmanager
async def working(office: Office) -> AsyncIterator[trio.Nursery]:
    """The office's pump runs for the length of the block."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(office.pump.run)
        yield nursery
        nursery.cancel_scope.cancel()


@pytest.mark.requirement("N5")
async def test_answers_go_before_reminders_and_reminders_before_broadcasts(autojump_clock: MockClock) -> None:
    office = Office()
    for what in range(6):
        office.pump.offer(100 + what, _BROADCAST - what // 2, what)
    async with working(office):
        await office.until(6)
    assert office.order == [4, 5, 2, 3, 0, 1]


async def test_what_comes_in_the_middle_of_a_broadcast_is_next(autojump_clock: MockClock) -> None:
    office = Office()
    for what in range(100):
        office.pump.offer(1 + what, _BROADCAST, what)
    async with working(office):
        await office.until(10)
        office.pump.offer(1000, _PROMPT, 1000)
        await office.until(20)
    assert office.order.index(1000) <= 13


async def test_a_chat_has_one_message_of_a_priority_in_the_queue_and_one_on_its_way(
    autojump_clock: MockClock,
) -> None:
    office = Office()
    assert office.pump.offer(1, _PROMPT, 1)
    assert not office.pump.offer(1, _PROMPT, 2)
    assert office.pump.offer(1, _BROADCAST, 3)
    async with working(office):
        await office.until(2)
        assert office.pump.offer(1, _PROMPT, 2)
        await office.until(3)
    assert office.order == [1, 3, 2]
    assert all(
        later - earlier >= 1.0 for (earlier, _), (later, _) in zip(office.sent, office.sent[1:], strict=False)
    )


@pytest.mark.requirement("N5")
async def test_a_pause_that_telegram_asks_for_in_a_private_chat_holds_everybody(
    autojump_clock: MockClock,
) -> None:
    office = Office()
    office.outcomes[1].append(Temporary("flood", 7.0))
    async with working(office):
        office.pump.offer(1, _PROMPT, 1)
        await office.until(1)
        paused_at = trio.current_time()
        office.pump.offer(2, _PROMPT, 2)
        await office.until(2)
    assert office.started(2) >= paused_at + 7.0


async def test_a_pause_that_telegram_asks_for_in_a_group_holds_that_group(autojump_clock: MockClock) -> None:
    office = Office()
    office.outcomes[1].append(Temporary("flood", 40.0))
    office.verdicts[1].append(Verdict.AGAIN)
    async with working(office):
        office.pump.offer(-5, _PROMPT, 1)
        await office.until(1)
        paused_at = trio.current_time()
        office.pump.offer(2, _PROMPT, 2)
        await office.until(3)
    assert office.started(2) < paused_at + 1.0
    assert office.sent[-1][1] == 1
    assert office.sent[-1][0] >= paused_at + 40.0


@pytest.mark.parametrize("outcome", [Temporary("502"), Unknown("no answer")])
async def test_while_telegram_does_not_answer_few_messages_are_tried(
    autojump_clock: MockClock, outcome: Outcome
) -> None:
    office = Office()
    for what in range(200):
        office.outcomes[what].append(outcome)
        office.pump.offer(1 + what, _BROADCAST, what)
    async with working(office):
        await trio.sleep(300)
    assert 10 <= len(office.sent) <= 60
    gaps = [later - earlier for (earlier, _), (later, _) in zip(office.sent, office.sent[1:], strict=False)]
    assert max(gaps) >= 30.0


async def test_after_an_outage_the_rate_is_back_at_once(autojump_clock: MockClock) -> None:
    office = Office()
    for what in range(4):
        office.outcomes[what].append(Temporary("502"))
    for what in range(100):
        office.pump.offer(1 + what, _BROADCAST, what)
    async with working(office):
        await office.until(100)
    assert trio.current_time() < 12


@pytest.mark.requirement("N5")
async def test_broadcasts_without_an_answer_leave_connections_for_people(autojump_clock: MockClock) -> None:
    office = Office()
    office.hangs = set(range(100))
    for what in range(100):
        office.pump.offer(1 + what, _BROADCAST, what)
    async with working(office):
        await trio.sleep(5)
        assert len(office.sent) == AT_ONCE - RESERVED
        office.pump.offer(1000, _PROMPT, 1000)
        asked_at = trio.current_time()
        await trio.sleep(1)
    assert office.started(1000) < asked_at + 1.0


@pytest.mark.requirement("N7")
async def test_what_makes_no_sense_any_more_when_its_turn_comes_is_not_sent(
    autojump_clock: MockClock,
) -> None:
    office = Office()
    office.outcomes[1].append(Temporary("flood", 60.0))
    async with working(office):
        office.pump.offer(1, _PROMPT, 1)
        await office.until(1)
        office.pump.offer(2, _REMINDER, 2)
        await trio.sleep(1)
        assert office.prepared == [1, 2]
        office.too_old.add(2)
        await office.until(2)
    assert office.settled[1] == (2, None)
    assert office.order == [1]


async def test_few_of_a_broadcast_are_prepared_ahead_and_none_that_is_not_wanted_is_sent(
    autojump_clock: MockClock,
) -> None:
    office = Office()
    office.open = False
    office.unwanted = {0, 5}
    for what in range(50):
        office.pump.offer(1 + what, _BROADCAST, what)
    async with working(office):
        await trio.sleep(60)
        assert sorted(office.prepared) == [0, 1, 2]
        office.open = True
        office.pump.wake()
        await office.until(48)
    assert sorted(office.order) == [what for what in range(50) if what not in office.unwanted]


async def test_a_message_goes_again_before_the_others_of_its_chat(autojump_clock: MockClock) -> None:
    office = Office()
    office.verdicts[1] += [Verdict.AGAIN, Verdict.AGAIN]
    office.outcomes[1] += [Permanent("gone", unreachable=False), Permanent("gone", unreachable=False)]
    async with working(office):
        office.pump.offer(1, _PROMPT, 1)
        office.pump.offer(1, _BROADCAST, 2)
        await office.until(4)
    assert office.order == [1, 1, 1, 2]


async def test_an_outcome_that_could_not_be_recorded_is_offered_until_it_is_and_not_sent_again(
    autojump_clock: MockClock,
) -> None:
    office = Office()
    office.verdicts[1] += [Verdict.UNRECORDED] * 5
    async with working(office):
        office.pump.offer(1, _PROMPT, 1)
        await office.until(6)
    assert office.order == [1]
    assert office.settled == [(1, Delivered(1))] * 6


async def test_cancelled_what_has_started_is_carried_through_and_what_was_prepared_is_given_back(
    autojump_clock: MockClock,
) -> None:
    office = Office()
    office.hangs = {1}
    async with working(office) as nursery:
        office.pump.offer(1, _PROMPT, 1)
        await trio.sleep(1)
        office.pump.offer(1, _BROADCAST, 2)
        office.open = False
        office.pump.offer(3, _BROADCAST, 3)
        await trio.sleep(1)
        nursery.cancel_scope.cancel()
    assert office.settled == [(1, Delivered(1))]
    assert office.given_back == [3]


def _most_at_once(starts: Sequence[float], seconds: float) -> int:
    return max(sum(start <= each < start + seconds for each in starts) for start in starts)


async def test_the_loop_takes_turns_from_the_pacer(autojump_clock: MockClock) -> None:
    office = Office()
    for what in range(120):
        office.pump.offer(1 + what, _PROMPT, what)
    async with working(office):
        await office.until(120)
    count: Callable[[float], int] = lambda seconds: _most_at_once([at for at, _ in office.sent], seconds)  # noqa: E731
    assert count(0.999) <= 30
    assert count(0.2) <= 8
