"""When the next message may leave: Telegram's limits as arithmetic on times, without a clock or a wait.

The limits: 30 messages a second over all, one a second to a chat, 20 a minute to a group. They count when
Telegram *receives*, which nobody here sees. What is seen is the round trip: a message is received before its
answer is back. So one that must keep a distance from an earlier one may start

    the limit's period + the earlier one's round trip

after the earlier one started, and no delay on the way can bring them closer. For a chat or a group this costs
next to nothing. For the 30 a second it would cost a round trip each second, so there the shortest round trip
seen lately is subtracted: what is left is by how much the earlier message can have been late. That costs the
mean excess (10 ms of jitter: 1 % of the rate) and is exact as long as messages do not become faster than ever.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

OVERALL_LIMIT: Final = 30
OVERALL_SECONDS: Final = 1.0
CHAT_SECONDS: Final = 1.0
GROUP_LIMIT: Final = 20
GROUP_SECONDS: Final = 60.0
#: Between two starts, so that an answer to a person never waits behind a whole second's burst.
SPACING_SECONDS: Final = 1 / 36
#: A request is bounded (10 s), so one that was never reported as ended is taken to have ended by now.
LONGEST_ROUND_TRIP_SECONDS: Final = 15.0

_SAMPLES: Final = 300
_SAMPLES_NEEDED: Final = 100


@dataclass(slots=True, eq=False)
class Turn:
    """One message on its way: when it started and, once ended, how long its round trip took."""

    chat: int
    started: float
    round_trip: float | None = None


@dataclass(slots=True)
class Pacer:
    """The pace of one bot. Times are seconds of any one monotonic clock; memory is bounded by the limits.

    while (at := pacer.earliest(chat, now())) > now():
        await trio.sleep_until(at)
    turn = pacer.begin(chat, now())     # no await in between: many tasks may share one pacer
    ...send...
    pacer.finish(turn, now())
    """

    _overall: deque[Turn] = field(default_factory=lambda: deque(maxlen=OVERALL_LIMIT))
    _chats: OrderedDict[int, deque[Turn]] = field(default_factory=OrderedDict)
    _round_trips: deque[float] = field(default_factory=lambda: deque(maxlen=_SAMPLES))
    _paused_until: float = float("-inf")

    def earliest(self, chat: int, now: float) -> float:
        """When a message to `chat` may start, as far as known now; ask again at that time."""
        return max([self._paused_until, *self._overall_bounds(now), *self._chat_bounds(chat, now)])

    def begin(self, chat: int, now: float) -> Turn:
        """A message to `chat` starts; the caller has seen that `earliest` allows it."""
        turn = Turn(chat, now)
        self._overall.append(turn)
        self._chats.setdefault(chat, deque(maxlen=GROUP_LIMIT if chat < 0 else 1)).append(turn)
        self._chats.move_to_end(chat)
        self._forget(now)
        return turn

    def finish(self, turn: Turn, now: float) -> None:
        """Its answer came, or none will."""
        turn.round_trip = now - turn.started
        self._round_trips.append(turn.round_trip)

    def retry_after(self, seconds: float, now: float) -> None:
        """Telegram asked for a pause: nothing starts before it is over."""
        self._paused_until = max(self._paused_until, now + seconds)

    def _overall_bounds(self, now: float) -> Iterable[float]:
        if self._overall:
            yield self._overall[-1].started + SPACING_SECONDS
        if len(self._overall) == OVERALL_LIMIT:
            yield _received(self._overall[0], now) + OVERALL_SECONDS - self._shortest_round_trip()

    def _chat_bounds(self, chat: int, now: float) -> Iterable[float]:
        turns: Sequence[Turn] = self._chats.get(chat, ())
        if turns:
            yield _received(turns[-1], now) + CHAT_SECONDS
        if len(turns) == GROUP_LIMIT:
            yield _received(turns[0], now) + GROUP_SECONDS

    def _shortest_round_trip(self) -> float:
        return min(self._round_trips) if len(self._round_trips) >= _SAMPLES_NEEDED else 0.0

    def _forget(self, now: float) -> None:
        """Drop the chats that nothing can depend on any more; the longest silent come first."""
        horizon = now - GROUP_SECONDS - LONGEST_ROUND_TRIP_SECONDS
        while next(iter(self._chats.values()))[-1].started < horizon:
            self._chats.popitem(last=False)


def _received(turn: Turn, now: float) -> float:
    """By when Telegram has received the message, as far as known now."""
    if turn.round_trip is not None:
        return turn.started + turn.round_trip
    return min(now, turn.started + LONGEST_ROUND_TRIP_SECONDS)
