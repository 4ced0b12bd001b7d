"""The sending loop: prepares what the queue holds, starts each message when the pacer lets it, learns from outcomes.

Where messages come from and what is recorded of them is its owner's. Whatever has started is carried through, also
when the loop is cancelled: cut off half-way, nobody would know whether it arrived.
"""

from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import Final, Generic, Protocol, TypeVar

import trio

from integrations.telegram.outage import Outage
from integrations.telegram.outgoing import Outcome, Temporary, Unknown
from integrations.telegram.pacing import Pacer, Turn
from integrations.telegram.queue import Queue, Share, Waiting

T = TypeVar("T")
C = TypeVar("C", contravariant=True)

#: An outcome that could not be recorded is offered again after this time.
_RECORD_AGAIN_SECONDS: Final = 1.0
#: Above this many, requests would only wait for each other; the fewest that fill 30 a second at one second each.
AT_ONCE: Final = 32
#: What lower priorities leave free, so that their requests without an answer hold up nobody else's.
RESERVED: Final = 8
#: Some ten seconds of sending, read at once.
HELD: Final = 300


class Verdict(Enum):
    """What its owner made of an outcome."""

    DONE = auto()
    """Recorded; the next message of its chat may be offered."""
    AGAIN = auto()
    """To be sent once more, as it now is."""
    UNRECORDED = auto()
    """The records do not answer; offer it again in a moment."""


class Carrier(Protocol[C]):
    """The pump's owner."""

    async def prepare(self, what: C) -> bool:
        """Make a message ready to be sent; False if it is not to be sent, which has been recorded then."""

    def expired(self, what: C) -> bool:
        """Whether it makes no sense any more."""

    async def send(self, what: C) -> Outcome:
        """Send it, once."""

    async def settle(self, what: C, outcome: Outcome | None) -> Verdict:
        """Record an outcome; None for one that had expired when its turn came."""

    async def give_back(self, unsent: Sequence[C]) -> None:
        """These were prepared and will not be sent, because the loop ends."""


class Pump(Generic[T]):
    """Sends what it is offered, for as long as `run` runs. `priorities` are as many as there are, 0 the most urgent."""

    def __init__(
        self,
        carrier: Carrier[T],
        pacer: Pacer,
        *,
        priorities: int,
        prepared_ahead: int,
        open_for: Callable[[], bool],
    ) -> None:
        """Messages of the most urgent priority are prepared as they come, of the others `prepared_ahead` at a time.

        While `open_for` says no, nothing starts.
        """
        self._carrier = carrier
        self._pacer = pacer
        self._outage = Outage()
        self._open_for = open_for
        urgent = Share(HELD, AT_ONCE, AT_ONCE)
        later = Share(HELD, prepared_ahead, AT_ONCE - RESERVED)
        self._queue: Queue[T] = Queue([urgent, *[later] * (priorities - 1)], pacer.earliest_in)
        self._changed = trio.Event()

    def room(self, priority: int) -> int:
        """How many more messages of a priority it takes."""
        return self._queue.room(priority)

    def offer(self, chat: int, priority: int, what: T) -> bool:
        """Take the first message of those that wait for a chat; False if one of that priority is held already."""
        if self._queue.holds(chat, priority):
            return False
        self._queue.add(chat, priority, what, trio.current_time())
        self.wake()
        return True

    def wake(self) -> None:
        """Look again now."""
        self._changed.set()

    async def run(self) -> None:
        """Send until cancelled."""
        try:
            async with trio.open_nursery() as nursery:
                while True:
                    self._changed, now = trio.Event(), trio.current_time()
                    self._prepare(nursery, now)
                    until = self._start(nursery, now)
                    with trio.move_on_at(until):
                        await self._changed.wait()
        finally:
            unsent = [waiting.what for waiting in self._queue.not_started()]
            if unsent:
                with trio.CancelScope(shield=True):
                    await self._carrier.give_back(unsent)

    def _prepare(self, nursery: trio.Nursery, now: float) -> None:
        while (waiting := self._queue.next_to_prepare(now)) is not None:
            nursery.start_soon(self._make_ready, waiting)

    async def _make_ready(self, waiting: Waiting[T]) -> None:
        if await self._carrier.prepare(waiting.what):
            self._queue.prepared(waiting, trio.current_time())
        else:
            self._queue.remove(waiting, trio.current_time(), started=False)
        self.wake()

    def _start(self, nursery: trio.Nursery, now: float) -> float:
        """Start what may start now; returns when to look again."""
        if not self._open_for():
            return float("inf")
        while self._pacer.earliest_at_all(now) <= now:
            waiting = self._queue.next_to_send(now)
            if waiting is None:
                break
            if self._carrier.expired(waiting.what):
                nursery.start_soon(self._let_go, waiting)
                continue
            nursery.start_soon(self._carry, waiting, self._pacer.begin(waiting.chat, now))
        until = self._queue.look_again_at(now)
        return min(until, self._pacer.earliest_at_all(now)) if self._queue.has_prepared else until

    async def _carry(self, waiting: Waiting[T], turn: Turn) -> None:
        with trio.CancelScope(shield=True):
            outcome = await self._carrier.send(waiting.what)
            now = trio.current_time()
            self._pacer.finish(turn, now)
            self._learn(outcome, turn, now)
            self.wake()
            verdict = await self._carrier.settle(waiting.what, outcome)
        await self._end(waiting, outcome, verdict)

    async def _let_go(self, waiting: Waiting[T]) -> None:
        with trio.CancelScope(shield=True):
            verdict = await self._carrier.settle(waiting.what, None)
        await self._end(waiting, None, verdict)

    async def _end(self, waiting: Waiting[T], outcome: Outcome | None, verdict: Verdict) -> None:
        while verdict is Verdict.UNRECORDED:
            await trio.sleep(_RECORD_AGAIN_SECONDS)
            with trio.CancelScope(shield=True):
                verdict = await self._carrier.settle(waiting.what, outcome)
        now = trio.current_time()
        if verdict is Verdict.AGAIN:
            self._queue.put_back(waiting, now)
        else:
            self._queue.remove(waiting, now, started=True)
        self.wake()

    def _learn(self, outcome: Outcome, turn: Turn, now: float) -> None:
        match outcome:
            case Temporary(_, None) | Unknown():
                until = self._outage.failed(turn.started, now)
                if until is not None:
                    self._pacer.pause(until)
            case Temporary(_, float() | int() as seconds):
                self._outage.answered()
                self._pacer.retry_after(seconds, turn.chat, now)
            case _:
                self._outage.answered()
