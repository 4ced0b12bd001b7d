"""Which message leaves next: by priority, then by age, one at a time in each chat.

A data structure without a clock or a wait. It holds at most one message for a chat and priority: the first of those
that wait there, so that their order is kept whatever becomes of a try. A message is *prepared* some time before its
turn (its words and pictures are made, and one that must not be repeated is marked), so that a turn is never spent on
that; but not long before, because what was marked is given up if the process is killed.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Final, Generic, TypeVar

T = TypeVar("T")

#: How long before its chat may be written to a message is prepared.
LEAD_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Share:
    """What one priority may have: messages held, prepared or being prepared, and at once on their way.

    `at_once` counts what is on its way in all priorities: the others keep the rest, even if no answer comes.
    """

    held: int
    prepared: int
    at_once: int


@dataclass(eq=False, slots=True)
class Waiting(Generic[T]):
    """A message in the queue; of two with the same priority the lower `number` goes first."""

    chat: int
    priority: int
    number: int
    what: T
    prepared: bool = False


class Queue(Generic[T]):
    """Made with the share of each priority, the most urgent first, and with when a chat may be written to.

    `earliest_in(chat, now)` gives a time, which may be past.
    """

    def __init__(self, shares: Sequence[Share], earliest_in: Callable[[int, float], float]) -> None:
        self._shares = shares
        self._earliest_in = earliest_in
        self._numbers = 0
        self._held: dict[tuple[int, int], Waiting[T]] = {}
        self._count = [0 for _ in shares]
        self._in_preparation = [0 for _ in shares]
        self._unprepared: list[list[tuple[int, Waiting[T]]]] = [[] for _ in shares]
        self._prepared: list[tuple[int, int, Waiting[T]]] = []
        self._resting: list[tuple[float, int, Waiting[T]]] = []
        #: Chats with a message on its way, and who waits for that.
        self._busy: dict[int, list[Waiting[T]]] = {}

    def room(self, priority: int) -> int:
        """How many more messages of this priority the queue takes."""
        return self._shares[priority].held - self._count[priority]

    def holds(self, chat: int, priority: int) -> bool:
        """Whether a message of this priority for the chat is in the queue or on its way."""
        return (chat, priority) in self._held

    def add(self, chat: int, priority: int, what: T, now: float) -> None:
        """Take a message; the caller has seen that there is room and that none is held for its chat."""
        assert not self.holds(chat, priority), "one message for a chat and priority"
        assert self.room(priority) > 0, "no more than the share"
        self._numbers += 1
        self._count[priority] += 1
        waiting = self._held[chat, priority] = Waiting(chat, priority, self._numbers, what)
        self._place(waiting, now)

    def next_to_prepare(self, now: float) -> Waiting[T] | None:
        """The next message to be prepared, if one should be; say `prepared` or `remove` of it then."""
        self._wake(now)
        for priority, unprepared in enumerate(self._unprepared):
            if unprepared and self._in_preparation[priority] < self._shares[priority].prepared:
                self._in_preparation[priority] += 1
                return heappop(unprepared)[1]
        return None

    def prepared(self, waiting: Waiting[T], now: float) -> None:
        """It may go as soon as its turn comes."""
        waiting.prepared = True
        self._place(waiting, now)

    def next_to_send(self, now: float) -> Waiting[T] | None:
        """The next message that may start now, if there is one; say `remove` or `put_back` of it when it has ended."""
        self._wake(now)
        while self._prepared and self._may_start(self._prepared[0][0]):
            _, _, waiting = heappop(self._prepared)
            if waiting.chat in self._busy or self._earliest_in(waiting.chat, now) > now:
                self._place(waiting, now)
                continue
            self._busy[waiting.chat] = []
            self._in_preparation[waiting.priority] -= 1
            return waiting
        return None

    def put_back(self, waiting: Waiting[T], now: float) -> None:
        """It has ended and goes once more, before the others of its chat and priority."""
        self._in_preparation[waiting.priority] += 1
        self._free(waiting.chat, now)
        self._place(waiting, now)

    def remove(self, waiting: Waiting[T], now: float, *, started: bool) -> None:
        """It is over, on its way (`started`) or before; the next one of its chat and priority may be added."""
        del self._held[waiting.chat, waiting.priority]
        self._count[waiting.priority] -= 1
        if started:
            self._free(waiting.chat, now)
        else:
            self._in_preparation[waiting.priority] -= 1

    def look_again_at(self, now: float) -> float:
        """When the next chat that may not be written to now may be, inf if there is none."""
        self._wake(now)
        return self._resting[0][0] if self._resting else float("inf")

    @property
    def has_prepared(self) -> bool:
        """Whether a message waits for nothing but a turn."""
        return bool(self._prepared) and self._may_start(self._prepared[0][0])

    def not_started(self) -> Iterable[Waiting[T]]:
        """What was prepared and did not start."""
        waiting = [each for _, _, each in (*self._prepared, *self._resting)]
        waiting += [each for others in self._busy.values() for each in others]
        return [each for each in waiting if each.prepared]

    def _place(self, waiting: Waiting[T], now: float) -> None:
        """Where a message waits: for its chat's message on the way, for its chat's time, or for its turn."""
        if waiting.chat in self._busy:
            self._busy[waiting.chat].append(waiting)
            return
        at = self._earliest_in(waiting.chat, now) - (0.0 if waiting.prepared else LEAD_SECONDS)
        if at > now:
            heappush(self._resting, (at, waiting.number, waiting))
        elif waiting.prepared:
            heappush(self._prepared, (waiting.priority, waiting.number, waiting))
        else:
            heappush(self._unprepared[waiting.priority], (waiting.number, waiting))

    def _may_start(self, priority: int) -> bool:
        return len(self._busy) < self._shares[priority].at_once

    def _free(self, chat: int, now: float) -> None:
        for waiting in self._busy.pop(chat):
            self._place(waiting, now)

    def _wake(self, now: float) -> None:
        while self._resting and self._resting[0][0] <= now:
            self._place(heappop(self._resting)[2], now)
