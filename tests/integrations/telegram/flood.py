"""Telegram's flood control as three models, and a pump that sends to one of them over a network with jitter.

Telegram does not say how it counts. A sender that none of the three ever refuses needs not know. Time is Trio's, so
under its mock clock an hour of sending takes seconds.
"""

import random
from abc import ABC, abstractmethod
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import floor

import trio

from integrations.telegram.outgoing import Delivered, Outcome, Permanent, Temporary
from integrations.telegram.pacing import CHAT_SECONDS, GROUP_LIMIT, GROUP_SECONDS, OVERALL_LIMIT, Pacer
from integrations.telegram.pump import Pump, Verdict

PROMPT, REMINDER, BROADCAST = range(3)


class FloodControl(ABC):
    """What Telegram lets pass: 30 a second, one a second to a chat, 20 a minute to a group."""

    def __init__(self) -> None:
        self._limits: dict[object, Callable[[float], bool]] = {None: self.limit(OVERALL_LIMIT, 1.0)}

    def passes(self, chat: int, now: float) -> bool:
        """Whether a message that arrives now is let through."""
        names: list[tuple[object, int, float]] = [(None, OVERALL_LIMIT, 1.0), (chat, 1, 1.0)]
        if chat < 0:
            names.append(((chat, "minute"), GROUP_LIMIT, GROUP_SECONDS))
        limits = [self._limits.setdefault(name, self.limit(most, seconds)) for name, most, seconds in names]
        return all(limit(now) for limit in limits)

    @abstractmethod
    def limit(self, most: int, seconds: float) -> Callable[[float], bool]:
        """A counter that lets `most` pass in so many seconds: called with each arrival's time."""


class SlidingWindow(FloodControl):
    """No more than the limit in any window."""

    def limit(self, most: int, seconds: float) -> Callable[[float], bool]:
        passed: deque[float] = deque(maxlen=most)

        def passes(now: float) -> bool:
            if len(passed) == most and now - passed[0] < seconds:
                return False
            passed.append(now)
            return True

        return passes


class TokenBucket(FloodControl):
    """A bucket that is full at first and fills at the limit's rate."""

    def limit(self, most: int, seconds: float) -> Callable[[float], bool]:
        tokens, filled_at = float(most), 0.0

        def passes(now: float) -> bool:
            nonlocal tokens, filled_at
            tokens = min(float(most), tokens + (now - filled_at) * most / seconds)
            filled_at = now
            if tokens < 1.0 - 1e-9:
                return False
            tokens -= 1.0
            return True

        return passes


class FixedWindow(FloodControl):
    """No more than the limit from one full second (or minute) to the next."""

    def limit(self, most: int, seconds: float) -> Callable[[float], bool]:
        window, passed = -1, 0

        def passes(now: float) -> bool:
            nonlocal window, passed
            if floor(now / seconds) != window:
                window, passed = floor(now / seconds), 0
            passed += 1
            return passed <= most

        return passes


MODELS: Sequence[type[FloodControl]] = (SlidingWindow, TokenBucket, FixedWindow)

Delay = Callable[[random.Random], float]

#: Seconds of one direction, beside a steady 40 ms: what the network adds to a message.
STEADY: Delay = lambda _: 0.0  # noqa: E731 - three of a kind
UNIFORM: Delay = lambda chance: chance.uniform(0.0, 0.010)  # noqa: E731
EXPONENTIAL: Delay = lambda chance: chance.expovariate(100.0)  # noqa: E731
JITTERS: dict[str, Delay] = {
    "steady": STEADY,
    "uniform, up to 10 ms": UNIFORM,
    "exponential, 10 ms": EXPONENTIAL,
}
_STEADY_SECONDS = 0.040


@dataclass(eq=False, slots=True)
class Letter:
    """A message of the simulation; `could_leave` is when its turn in its chat had come, `left` when it started."""

    chat: int
    priority: int
    number: int
    could_leave: float = 0.0
    left: float = 0.0


@dataclass
class Town:
    """People and groups that are written to, a network, and Telegram."""

    control: FloodControl
    jitter: Delay
    seed: int
    #: Each of these chats refuses for ever, or fails the first so many tries of each message.
    dead: frozenset[int] = frozenset()
    flaky: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.pump: Pump[Letter] = Pump(self, Pacer(), priorities=3, prepared_ahead=10, open_for=lambda: True)
        self.arrived: list[tuple[float, Letter]] = []
        self.refused = 0
        self._free_at: dict[int, float] = defaultdict(float)
        self.tries: Counter[Letter] = Counter()
        self._waiting: dict[tuple[int, int], deque[Letter]] = defaultdict(deque)
        self._broadcast: Iterator[Letter] = iter(())
        self.left = 0
        self._over = trio.Event()

    # What the pump asks of its owner.

    async def prepare(self, letter: Letter) -> bool:
        """As long as a writer takes to mark a message."""
        await trio.sleep(self.chance.uniform(0.002, 0.030))
        return True

    def expired(self, _: Letter) -> bool:
        return False

    async def send(self, letter: Letter) -> Outcome:
        """There, and back."""
        if letter.left == 0.0:
            letter.left = trio.current_time()
            letter.could_leave = max(letter.could_leave, self._free_at[letter.chat])
        await trio.sleep(_STEADY_SECONDS + self.jitter(self.chance))
        outcome = self._judge(letter)
        await trio.sleep(_STEADY_SECONDS + self.jitter(self.chance))
        self._free_at[letter.chat] = trio.current_time() + CHAT_SECONDS
        return outcome

    def _judge(self, letter: Letter) -> Outcome:
        now = trio.current_time()
        if not self.control.passes(letter.chat, now):
            self.refused += 1
            return Temporary("too many", 1.0)
        self.tries[letter] += 1
        if letter.chat in self.dead:
            return Permanent("Forbidden", unreachable=True)
        if self.tries[letter] <= self.flaky.get(letter.chat, 0):
            return Temporary("down")
        self.arrived.append((now, letter))
        return Delivered(letter.number)

    async def settle(self, letter: Letter, outcome: Outcome | None) -> Verdict:
        """As long as a writer takes to commit; what failed for a while goes again."""
        await trio.sleep(self.chance.uniform(0.002, 0.030))
        if isinstance(outcome, Temporary):
            return Verdict.AGAIN
        self._waiting[letter.chat, letter.priority].popleft()
        self.left -= 1
        self.pump.wake()
        trio.lowlevel.spawn_system_task(self._look, letter.chat, letter.priority)
        return Verdict.DONE

    async def give_back(self, unsent: Sequence[Letter]) -> None:
        raise AssertionError("the simulation ends when everything has been sent")

    # What happens in the town.

    async def run(self, people: Sequence[int], others: Sequence[tuple[float, int, int]]) -> None:
        """Send a broadcast to all the people, and every other message, given as (time, chat, priority)."""
        self.left = len(people) + len(others)
        self._broadcast = (Letter(chat, BROADCAST, number) for number, chat in enumerate(people))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.pump.run)
            nursery.start_soon(self._write, sorted(others), trio.current_time())
            self._refill()
            await self._over.wait()
            nursery.cancel_scope.cancel()

    async def _write(self, others: Sequence[tuple[float, int, int]], start: float) -> None:
        for number, (at, chat, priority) in enumerate(others, 1_000_000):
            await trio.sleep_until(start + at)
            self._waiting[chat, priority].append(Letter(chat, priority, number))
            await self._look(chat, priority)

    async def _look(self, chat: int, priority: int) -> None:
        """Offer the first that waits in a chat; more of the broadcast when there is room for it."""
        if waiting := self._waiting[chat, priority]:
            if self.pump.offer(chat, priority, waiting[0]):
                waiting[0].could_leave = trio.current_time()
        else:
            del self._waiting[chat, priority]
        if priority == BROADCAST:
            self._refill()
        if self.left == 0:
            self._over.set()

    def _refill(self) -> None:
        while self.pump.room(BROADCAST) > 0 and (letter := next(self._broadcast, None)) is not None:
            self._waiting[letter.chat, BROADCAST].append(letter)
            self.pump.offer(letter.chat, BROADCAST, letter)

    # What came of it.

    @property
    def share_of_the_rate(self) -> float:
        """Messages that Telegram took, as a share of what it allows from the first to the last."""
        taken = sum(self.tries.values())
        return (taken - 1) / (self.arrived[-1][0] - self.arrived[0][0]) / OVERALL_LIMIT

    def longest_wait(self, priority: int) -> float:
        """The most seconds that a message of this priority waited for others than its own chat's."""
        return max(
            letter.left - letter.could_leave for _, letter in self.arrived if letter.priority == priority
        )

    def in_order(self) -> bool:
        """Whether the messages of each chat and priority arrived as they were written."""
        last: dict[tuple[int, int], int] = {}
        for _, letter in self.arrived:
            if letter.number < last.get((letter.chat, letter.priority), -1):
                return False
            last[letter.chat, letter.priority] = letter.number
        return True


def a_day(
    messages: int, control: FloodControl, jitter: Delay, seed: int = 1
) -> tuple[Town, "partial[Coroutine[object, object, None]]"]:
    """A broadcast with everything else that happens meanwhile, so many messages in all; run the second value."""
    chance = random.Random(seed)
    length = messages / OVERALL_LIMIT * 0.9
    others: list[tuple[float, int, int]] = []

    def now_and_then(a_second: float, chat: Callable[[], int], priority: int, in_a_row: int = 1) -> None:
        for _ in range(round(length * a_second)):
            others.extend([(chance.uniform(0.0, length), chat(), priority)] * in_a_row)

    addressed = range(1, messages * 3 // 4 + 1)
    shoppers, unlucky = iter(range(10**8, 10**9)), iter(range(10**9, 10**10))
    now_and_then(2.0, lambda: chance.choice(addressed), PROMPT)
    now_and_then(0.3, lambda: next(shoppers), PROMPT, in_a_row=3)
    now_and_then(0.1, lambda: next(unlucky), PROMPT, in_a_row=2)
    now_and_then(1.0, lambda: chance.choice(addressed), REMINDER)
    now_and_then(0.6, lambda: chance.choice([-1, -2, -3]), REMINDER)
    flaky = {chat: chance.choice([1, 2]) for _, chat, _ in others if chat >= 10**9}
    dead = frozenset(chance.sample(addressed, messages // 500))
    people = range(1, messages - len(others) + 1)
    town = Town(control, jitter, seed, dead, flaky)
    return town, partial(town.run, people, others)
