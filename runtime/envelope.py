"""An envelope: a message on its way, with what the runtime must know about it.

It carries the causal chain (which message, in whose hands, led to this one), the deadline, and for a call the slot
for the answer. The slot wakes the waiting task directly: no reply channel and no cancel scope is opened for a call,
which makes a call with a deadline about twice as fast as a bare pair of memory channels. The price is that a late
answer is simply dropped: nobody is waiting in the slot any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import ContextVar

import outcome
import trio

from .errors import DeadlineExceeded
from .messages import Message

CHAIN_LIMIT = 16
"""Longest causal chain that is kept; an actor that casts to itself for ever must not keep its whole past alive."""

handling: ContextVar[Envelope | None] = ContextVar("handling", default=None)
"""The envelope in whose name the current task works; tasks that a handler starts inherit it."""


class Envelope:
    """One message to one actor, until it is answered, handled or dropped."""

    __slots__ = (
        "_answer",
        "_caller",
        "begun",
        "cause",
        "deadline",
        "depth",
        "message",
        "queued_at",
        "receiver",
        "root",
        "serial",
        "waited_for",
    )

    def __init__(
        self,
        message: Message,
        receiver: str,
        serial: int,
        cause: Envelope | None,
        queued_at: float,
        deadline: float,
    ) -> None:
        self.message = message
        self.receiver = receiver
        self.serial = serial
        self.queued_at = queued_at
        self.deadline = deadline
        self.begun = False
        self.waited_for = message.expects_answer
        self._caller: trio.lowlevel.Task | None = None
        self._answer: outcome.Outcome[object] | None = None
        self.root: int | str
        if cause is None:
            self.cause, self.root, self.depth = None, serial, 0
        else:
            self.cause = cause if cause.depth < CHAIN_LIMIT else None
            self.root, self.depth = cause.root, (cause.depth + 1 if self.cause else 0)

    @property
    def settled(self) -> bool:
        """True if nobody waits for an answer: it was given, its time is up, its caller has left, or it is a cast."""
        return not self.waited_for

    def reply(self, value: object) -> None:
        """Answer the caller with `value`; without effect if the caller has left or was answered already."""
        if self.waited_for:
            self._settle(outcome.Value(value))

    def fail(self, error: Exception) -> None:
        """Raise `error` in the caller; without effect if the caller has left or was answered already."""
        if self.waited_for:
            self._settle(outcome.Error(error))

    def expire(self) -> None:
        """The deadline has passed: tell the caller; a receiver that has not begun will skip this envelope."""
        state = "is still working on" if self.begun else "has not begun"
        self.fail(
            DeadlineExceeded(f"{self.receiver} {state} {type(self.message).__name__} after its deadline")
        )

    async def answer(self) -> object:
        """Wait for the answer. A caller that is cancelled here leaves: its envelope is skipped if not yet begun."""
        if self._answer is not None:
            await trio.lowlevel.checkpoint()
            return self._answer.unwrap()
        self._caller = trio.lowlevel.current_task()
        return await trio.lowlevel.wait_task_rescheduled(self._leave)

    def chain(self) -> Iterator[str]:
        """The causal chain, newest first: `receiver:MessageType`."""
        link: Envelope | None = self
        while link is not None:
            yield f"{link.receiver}:{type(link.message).__name__}"
            link = link.cause

    def _leave(self, _: object) -> trio.lowlevel.Abort:
        self._caller = None
        self.waited_for = False
        return trio.lowlevel.Abort.SUCCEEDED

    def _settle(self, answer: outcome.Outcome[object]) -> None:
        self.waited_for = False
        if self._caller is None:
            self._answer = answer
        else:
            caller, self._caller = self._caller, None
            trio.lowlevel.reschedule(caller, answer)
