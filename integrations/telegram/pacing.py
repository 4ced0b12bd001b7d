"""When the next message may leave: Telegram's limits as arithmetic on times, without a clock or a wait.

The limits: 30 messages a second over all, one a second to a chat, 20 a minute to a group. They count when
Telegram *receives*, which nobody here sees. What is seen is the round trip: a message is received before its
answer is back. So whatever must keep a distance from an earlier message may start

    the limit's period + the earlier one's round trip

after the earlier one started, and no delay on the way can bring them closer. For a chat or a group this costs
next to nothing. For the 30 a second it would cost a round trip each second, so there the shortest round trip seen
lately is subtracted: what is left is by how much the earlier message can have been late. And it is not the 30th
message before that counts, but the 30th latest arrival: one that is late on the way does not hold up those that
started after it and came in time. That costs the mean excess of a round trip over the shortest (10 ms of jitter: 1 %
of the rate) and is exact as long as messages do not become faster than ever.
"""

from bisect import insort
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

_SAMPLES: Final = 1000
_SAMPLES_NEEDED: Final = 100
#: The way there of one message and the way back of another may together be shorter than any round trip seen.
_MARGIN: Final = 0.1
_MARGIN_SECONDS: Final = 0.0005


@dataclass(slots=True, eq=False)
class Turn:
    """One message on its way: when it started and, once ended, how long its round trip took."""

    chat: int
    started: float
    round_trip: float | None = None


@dataclass(slots=True)
class RoundTrips:
    """The latest round trips, and what no message undercuts."""

    _latest: deque[float] = field(default_factory=deque)
    #: Candidates for the shortest of the latest, each with its number, ascending in both.
    _shortest: deque[tuple[int, float]] = field(default_factory=deque)
    _sum: float = 0.0
    _count: int = 0

    def add(self, seconds: float) -> None:
        """One more; the oldest is forgotten."""
        self._latest.append(seconds)
        self._sum += seconds
        while self._shortest and self._shortest[-1][1] >= seconds:
            self._shortest.pop()
        self._shortest.append((self._count, seconds))
        self._count += 1
        if len(self._latest) > _SAMPLES:
            self._sum -= self._latest.popleft()
            if self._shortest[0][0] < self._count - _SAMPLES:
                self._shortest.popleft()

    def surely_shortest(self) -> float:
        """Seconds that the way there and the way back take at least; 0 while too little is known."""
        if len(self._latest) < _SAMPLES_NEEDED:
            return 0.0
        shortest = self._shortest[0][1]
        excess = self._sum / len(self._latest) - shortest
        return max(0.0, shortest - max(_MARGIN_SECONDS, excess * _MARGIN))


@dataclass(slots=True)
class Pacer:
    """The pace of one bot. Times are seconds of any one monotonic clock; memory is bounded by the limits.

    while (at := pacer.earliest(chat, now())) > now():
        await trio.sleep_until(at)
    turn = pacer.begin(chat, now())     # no await in between: many tasks may share one pacer
    ...send...
    pacer.finish(turn, now())
    """

    _last_start: float = float("-inf")
    #: Messages without an answer, and by when the latest of the others were received, ascending.
    _on_the_way: dict[Turn, None] = field(default_factory=dict)
    _received: list[float] = field(default_factory=list)
    _chats: OrderedDict[int, deque[Turn]] = field(default_factory=OrderedDict)
    _round_trips: RoundTrips = field(default_factory=RoundTrips)
    _paused_until: float = float("-inf")
    _groups_paused_until: dict[int, float] = field(default_factory=dict)

    def earliest(self, chat: int, now: float) -> float:
        """When a message to `chat` may start, as far as known now; ask again at that time, or when one has ended."""
        return max(self.earliest_at_all(now), self.earliest_in(chat, now))

    def earliest_at_all(self, now: float) -> float:
        """When a message to a chat that has been silent may start."""
        self._give_up(now)
        return max(self._paused_until, self._last_start + SPACING_SECONDS, self._overall(now))

    def earliest_in(self, chat: int, now: float) -> float:
        """When a message to `chat` may start, as far as that depends on the chat."""
        return max([self._groups_paused_until.get(chat, now), *self._chat_bounds(chat, now)])

    def begin(self, chat: int, now: float) -> Turn:
        """A message to `chat` starts; the caller has seen that `earliest` allows it."""
        turn = self._put(chat, now)
        self._last_start = now
        self._on_the_way[turn] = None
        return turn

    def finish(self, turn: Turn, now: float) -> None:
        """Its answer came, or none will."""
        if turn.round_trip is None:
            turn.round_trip = now - turn.started
            self._round_trips.add(turn.round_trip)
            self._arrived(turn)

    def recall(self, chat: int, at: float) -> None:
        """Somebody sent a message to `chat` before this pacer was made, and it was received by `at`; oldest first."""
        turn = self._put(chat, at)
        turn.round_trip = 0.0
        self._arrived(turn)

    def retry_after(self, seconds: float, chat: int, now: float) -> None:
        """Telegram asked for a pause when `chat` was written to: nothing starts before it is over.

        A group has a limit of its own that an answer does not tell from the others, and its pauses are long: they
        hold the group alone. Should everybody have been meant, the next message is told so as well.
        """
        if chat < 0:
            self._groups_paused_until[chat] = max(self._groups_paused_until.get(chat, now), now + seconds)
        else:
            self.pause(now + seconds)

    def pause(self, until: float) -> None:
        """Nothing starts before `until`; a pause that lasts longer goes on."""
        self._paused_until = max(self._paused_until, until)

    def _overall(self, now: float) -> float:
        """A second after the 30th latest arrival, those on the way being later than any other."""
        needed = OVERALL_LIMIT - len(self._on_the_way)
        if needed <= 0:
            return next(iter(self._on_the_way)).started + LONGEST_ROUND_TRIP_SECONDS
        if len(self._received) < needed:
            return now
        return self._received[-needed] + OVERALL_SECONDS - self._round_trips.surely_shortest()

    def _chat_bounds(self, chat: int, now: float) -> Iterable[float]:
        turns: Sequence[Turn] = self._chats.get(chat, ())
        if turns:
            yield _received_by(turns[-1], now) + CHAT_SECONDS
        if len(turns) == GROUP_LIMIT:
            yield _received_by(turns[0], now) + GROUP_SECONDS

    def _put(self, chat: int, now: float) -> Turn:
        turn = Turn(chat, now)
        self._chats.setdefault(chat, deque(maxlen=GROUP_LIMIT if chat < 0 else 1)).append(turn)
        self._chats.move_to_end(chat)
        self._forget(now)
        return turn

    def _arrived(self, turn: Turn) -> None:
        self._on_the_way.pop(turn, None)
        assert turn.round_trip is not None, "only what has ended has arrived"
        insort(self._received, turn.started + turn.round_trip)
        del self._received[:-OVERALL_LIMIT]

    def _give_up(self, now: float) -> None:
        """What was never reported as ended does not hold the others for ever."""
        while self._on_the_way:
            oldest = next(iter(self._on_the_way))
            if now < oldest.started + LONGEST_ROUND_TRIP_SECONDS:
                return
            oldest.round_trip = LONGEST_ROUND_TRIP_SECONDS
            self._arrived(oldest)

    def _forget(self, now: float) -> None:
        """Drop the chats that nothing can depend on any more; the longest silent come first."""
        horizon = now - GROUP_SECONDS - LONGEST_ROUND_TRIP_SECONDS
        while self._chats and next(iter(self._chats.values()))[-1].started < horizon:
            self._chats.popitem(last=False)
        for chat in [chat for chat, until in self._groups_paused_until.items() if until <= now]:
            del self._groups_paused_until[chat]


def _received_by(turn: Turn, now: float) -> float:
    """By when Telegram has received the message, as far as known now."""
    if turn.round_trip is not None:
        return turn.started + turn.round_trip
    return min(now, turn.started + LONGEST_ROUND_TRIP_SECONDS)
