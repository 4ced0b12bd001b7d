"""A tap: it tells an operator of the messages that pass through one actor, while somebody looks.

It tells types and times, never what is in a message: that may be somebody's secret. It never slows the actor down:
what does not fit into its buffer is counted and dropped. An actor that is not tapped pays for one comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec
import trio

from .clock import Clock
from .envelope import Envelope

BUFFER = 1000
"""Messages that are kept for an operator who reads slowly."""


class Passage(msgspec.Struct, frozen=True):
    """One message that an actor is done with. Times are in seconds."""

    at: datetime
    message: str
    """Its type."""
    serial: int
    trace: str
    """The causal id, the same in logs and rows."""
    sender: str | None
    """The actor that sent it (itself, if a timer did); None for what came from outside, or before anybody looked."""
    cause: tuple[str, ...]
    """The causal chain behind it, newest first: `receiver:MessageType`."""
    queue_seconds: float
    handling_seconds: float | None
    """None if it was never begun. Messages of one batch share their time."""
    outcome: str
    lost: int
    """How many passed unseen just before, because nobody read."""


class Tap:
    """What an actor tells of its messages."""

    def __init__(self, clock: Clock, trace_of: Callable[[int | str], str]) -> None:
        self._clock = clock
        self._trace_of = trace_of
        self._lost = 0
        self._senders: dict[int, str] = {}
        self._inlet, self.passages = trio.open_memory_channel[Passage](BUFFER)

    def sent(self, envelope: Envelope, sender: str) -> None:
        """Somebody sends this one; whether it is accepted is not known yet."""
        if len(self._senders) >= BUFFER:
            del self._senders[next(iter(self._senders))]
        self._senders[envelope.serial] = sender

    def passed(self, envelopes: Sequence[Envelope], begun_at: float, now: float, outcome: str | None) -> None:
        """The actor is done with these, in the ordinary way or with an outcome worth a word."""
        for envelope in envelopes:
            self._tell(envelope, begun_at, now - begun_at, outcome or _ordinary(envelope, now))

    def skipped(self, envelope: Envelope, now: float, reason: str) -> None:
        """The actor did not begin this one."""
        self._tell(envelope, now, None, f"skipped: {reason}")

    def close(self) -> None:
        """Nobody looks any more."""
        self._inlet.close()
        self.passages.close()

    def _tell(self, envelope: Envelope, until: float, seconds: float | None, outcome: str) -> None:
        _, *cause = envelope.chain()
        passage = Passage(
            at=self._clock.now(),
            message=type(envelope.message).__name__,
            serial=envelope.serial,
            trace=self._trace_of(envelope.root),
            sender=self._senders.pop(envelope.serial, None),
            cause=tuple(cause),
            queue_seconds=until - envelope.queued_at,
            handling_seconds=seconds,
            outcome=outcome,
            lost=self._lost,
        )
        try:
            self._inlet.send_nowait(passage)
        except trio.WouldBlock:
            self._lost += 1
        else:
            self._lost = 0


def _ordinary(envelope: Envelope, now: float) -> str:
    if not envelope.message.expects_answer:
        return "done"
    if envelope.waited_for:
        return "will be answered later"
    return "answered" if now < envelope.deadline else "answered too late"
