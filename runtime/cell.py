"""A cell: the part of an actor that lives as long as its name. Incarnations come and go in it.

References point at cells, so a restart or a reload is invisible to whoever sends: the mailbox, the history and the
switches of an operator are here, and only code and its resources are in the incarnation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import Enum
from itertools import count
from math import inf

import trio

from .alerts import Alerts
from .backlog import CROWD, Backlog
from .buckets import QUICK, count_slow, no_slow_ones
from .duty import Duty
from .envelope import Envelope
from .errors import ActorStopped, Unavailable
from .mailbox import Mailbox
from .messages import Cast, Down, Message
from .tap import Tap
from .timers import Timers


class State(Enum):
    """What an actor is doing, as an operator sees it."""

    NEW = "new"
    STARTING = "starting"
    RUNNING = "running"
    SUSPENDED = "suspended"
    STOPPING = "stopping"
    BACKOFF = "backoff"
    STOPPED = "stopped"


@dataclass(slots=True)
class Counters:
    """What happened in all incarnations; counted where it happens, so that measuring costs nothing else."""

    accepted: int = 0
    handled: int = 0
    unanswered: int = 0
    """Handled in vain: an `Unavailable` was let out of the handler."""
    crashed: int = 0
    """In hand when an incarnation died."""
    skipped: int = 0
    """Not begun, because the caller had left or the deadline had passed."""
    expired: int = 0
    """Those of the skipped whose deadline had passed."""
    undelivered: int = 0
    """Still queued when the actor stopped for good."""
    incarnations: int = 0
    restarts: int = 0
    turns: int = 0
    """Messages or batches that were handled to their end."""
    busy_seconds: float = 0.0
    queue_seconds: float = 0.0
    slow_turns: list[int] = field(default_factory=no_slow_ones)
    slow_waits: list[int] = field(default_factory=no_slow_ones)


@dataclass(slots=True)
class Exchange:
    """What all cells of one system share."""

    timers: Timers = field(default_factory=Timers)
    alerts: Alerts = field(default_factory=Alerts)
    now: Callable[[], float] = trio.current_time
    """Trio's time; a running system puts its clock here directly, since it is asked for each message."""
    serials: count[int] = field(default_factory=lambda: count(1))
    boot: str = "0"
    """Tells one run of the process from another; part of every causal id that begins in this run."""

    def trace_of(self, root: int | str) -> str:
        """The causal id of everything that followed from a root: a message's serial, or an id that was adopted."""
        return root if isinstance(root, str) else f"{self.boot}-{root}"


class Cell:
    """An address, and everything that must survive the actor that currently lives there."""

    __slots__ = (
        "__weakref__",
        "_state",
        "_watchers",
        "backlog",
        "busy_since",
        "counters",
        "crowd",
        "duty",
        "exchange",
        "in_hand",
        "last_error",
        "mailbox",
        "name",
        "state_since",
        "stopping",
        "suspended",
        "taps",
        "task",
        "waiting_for",
    )

    def __init__(self, name: str, capacity: int, exchange: Exchange) -> None:
        self.name = name
        self.exchange = exchange
        self.mailbox = Mailbox(capacity)
        self.crowd = min(CROWD, capacity)
        """How many messages must wait to be looked after."""
        self.backlog: Backlog | None = None
        self.counters = Counters()
        self._state = State.NEW
        self.state_since: float | None = None
        self.suspended = False
        self.stopping = False
        self.last_error: str | None = None
        self.task: trio.lowlevel.Task | None = None
        self.in_hand: Sequence[Envelope] = ()
        self.busy_since = 0.0
        self.waiting_for: Cell | None = None
        self.duty: Duty | None = None
        self.taps: tuple[Tap, ...] = ()
        self._watchers: set[Cell] | None = None

    @property
    def state(self) -> State:
        """What the actor is doing; `state_since` is when that began."""
        return self._state

    @state.setter
    def state(self, state: State) -> None:
        self._state = state
        self.state_since = self.exchange.now()

    def envelop(self, message: Message, cause: Envelope | None, now: float, deadline: float) -> Envelope:
        """A new envelope addressed to this cell."""
        envelope = Envelope(message, self.name, next(self.exchange.serials), cause, now, deadline)
        if self.taps and (sender := here.get()) is not None:
            for tap in self.taps:
                tap.sent(envelope, sender.name)
        return envelope

    def offer(self, envelope: Envelope) -> bool:
        """Accept the envelope if there is room."""
        mailbox = self.mailbox
        if not mailbox.offer(envelope):
            return False
        self.counters.accepted += 1
        if mailbox.coming >= self.crowd and self.backlog is None:
            self.backlog = Backlog(self)
        return True

    async def put(self, envelope: Envelope) -> None:
        """Wait for room; raises ActorStopped."""
        try:
            await self.mailbox.put(envelope)
        except trio.BrokenResourceError:
            raise ActorStopped(f"{self.name} has stopped") from None
        self.counters.accepted += 1

    def post(self, message: Cast, cause: Envelope | None) -> bool:
        """Cast without waiting."""
        return self.offer(self.envelop(message, cause, self.exchange.now(), inf))

    def begin(self, envelopes: Sequence[Envelope], now: float) -> None:
        """These are in hand from now on."""
        counters = self.counters
        self.in_hand = envelopes
        self.busy_since = now
        for each in envelopes:
            each.begun = True
            waited = now - each.queued_at
            counters.queue_seconds += waited
            if waited > QUICK:
                count_slow(counters.slow_waits, waited)

    def finish(self, begun_at: float, refusal: Unavailable | None = None) -> float:
        """What was in hand is done, or was refused; returns the time."""
        counters = self.counters
        now = self.exchange.now()
        if self.taps:
            self.tell_taps(self.in_hand, now, None if refusal is None else type(refusal).__name__)
        seconds = now - begun_at
        counters.turns += 1
        counters.handled += len(self.in_hand)
        counters.busy_seconds += seconds
        if seconds > QUICK:
            count_slow(counters.slow_turns, seconds)
        self.in_hand = ()
        return now

    def skip(self, envelope: Envelope) -> None:
        """This one is not begun: nobody waits for it any more."""
        self.counters.skipped += 1
        expired = envelope.deadline <= self.exchange.now()
        if expired:
            self.counters.expired += 1
        for tap in self.taps:
            tap.skipped(
                envelope, self.exchange.now(), "its deadline had passed" if expired else "its caller had left"
            )

    def tell_taps(self, envelopes: Sequence[Envelope], now: float, outcome: str | None) -> None:
        """Tell whoever traces this actor what became of the messages that were in hand."""
        for tap in self.taps:
            tap.passed(envelopes, self.busy_since, now, outcome)

    def close(self) -> None:
        """The actor has stopped for good: nothing more is accepted, and whoever waits for an answer is told."""
        self.state = State.STOPPED
        self.exchange.alerts.end_all(self.name)
        for envelope in self.mailbox.close():
            self.counters.undelivered += 1
            envelope.fail(ActorStopped(f"{self.name} has stopped"))

    def reopen(self) -> None:
        """The actor is to live again after it had stopped for good."""
        if self.mailbox.closed:
            self.mailbox = Mailbox(self.mailbox.capacity)
            self.suspended = False

    def watch(self, watcher: Cell) -> None:
        """Have a `Down` cast to `watcher` each time an incarnation ends."""
        if self._watchers is None:
            self._watchers = set()
        self._watchers.add(watcher)

    def unwatch(self, watcher: Cell) -> None:
        """No more `Down` for `watcher`."""
        if self._watchers is not None:
            self._watchers.discard(watcher)

    def notify_watchers(self, crashed: bool, reason: str) -> None:
        """Tell all watchers that an incarnation has ended."""
        # By name: the order of a set of objects differs between runs, and a simulation must replay.
        for watcher in sorted(self._watchers or (), key=lambda cell: cell.name):
            watcher.post(Down(self.name, crashed, reason), None)


here: ContextVar[Cell | None] = ContextVar("here", default=None)
"""The cell in which the current task runs, if it belongs to an actor."""
