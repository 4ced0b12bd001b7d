"""A reference: the address of an actor, by name. It stays good across restarts and reloads of what lives there."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import TypeVar

import trio

from .cell import Cell, here
from .envelope import Envelope, handling
from .errors import ActorStopped, CallCycle, DeadlineExceeded, MailboxFull
from .messages import Call, Cast

R = TypeVar("R")

DEFAULT_TIMEOUT = 30.0
"""Seconds for a call, unless the caller says otherwise."""


class Ref:
    """Where to send. Get one from `context.ref(name)` or `system.ref(name)`."""

    __slots__ = ("_cell",)

    def __init__(self, cell: Cell) -> None:
        self._cell = cell

    def __repr__(self) -> str:
        return f"<Ref {self.name}>"

    @property
    def name(self) -> str:
        """The actor's name."""
        return self._cell.name

    async def call(self, message: Call[R], *, timeout: float = DEFAULT_TIMEOUT) -> R:
        """Send and wait for the answer, at most `timeout` seconds and never past the deadline of the message in hand.

        Waits for room in the mailbox: so backpressure reaches whoever asked. Raises, all of them `Unavailable`:
        MailboxFull (not accepted), DeadlineExceeded, ActorCrashed (outcome unknown), ActorStopped, CallCycle; and
        whatever `Unavailable` the handler let out.
        """
        cell = self._cell
        now, cause = cell.exchange.now(), handling.get()
        sender, deadline = who_waits(cause, now + timeout)
        envelope = cell.envelop(message, cause, now, deadline)
        if sender is not None:
            refuse_cycle(sender, cell)
            sender.waiting_for = cell
        try:
            if deadline <= now or not cell.offer(envelope):
                await self._find_room(envelope, deadline)
            cell.exchange.timers.add(deadline, envelope)
            return await envelope.answer()  # type: ignore[return-value]  # a `Call[R]` is answered with an R
        finally:
            if sender is not None:
                sender.waiting_for = None

    def cast(self, message: Cast) -> bool:
        """Send without waiting, and never raise. False if there was no room or the actor has stopped."""
        return self._cell.post(message, handling.get())

    async def send(self, message: Cast, *, timeout: float = DEFAULT_TIMEOUT) -> None:
        """Send, waiting for room at most `timeout` seconds. Raises MailboxFull, ActorStopped, CallCycle."""
        cell = self._cell
        now, cause = cell.exchange.now(), handling.get()
        sender, deadline = who_waits(cause, now + timeout)
        envelope = cell.envelop(message, cause, now, inf)
        if not cell.offer(envelope):
            if sender is not None:
                refuse_cycle(sender, cell)
                sender.waiting_for = cell
            try:
                await self._find_room(envelope, deadline)
            finally:
                if sender is not None:
                    sender.waiting_for = None
        await trio.lowlevel.checkpoint()

    async def _find_room(self, envelope: Envelope, deadline: float) -> None:
        cell = self._cell
        if deadline <= envelope.queued_at:
            raise DeadlineExceeded(f"no time was left to ask {cell.name}")
        if cell.mailbox.closed:
            raise ActorStopped(f"{cell.name} has stopped")
        with trio.move_on_at(deadline) as patience:
            await cell.put(envelope)
        if patience.cancelled_caught:
            raise MailboxFull(
                f"the mailbox of {cell.name} had no room: {cell.mailbox.capacity} messages are waiting"
            )


def who_waits(cause: Envelope | None, deadline: float) -> tuple[Cell | None, float]:
    """The actor whose own task is about to wait (None: another task), and until when it may at the latest."""
    sender = here.get()
    if sender is None or sender.task is not trio.lowlevel.current_task():
        return None, deadline
    # A task that a handler left running has a life of its own; only the handler itself inherits the deadline.
    return sender, deadline if cause is None else min(deadline, cause.deadline)


def refuse_cycle(sender: Cell, target: Cell) -> None:
    """Raise CallCycle if `target` waits, through others or not, for `sender`, which is about to wait for it."""
    link: Cell | None = target
    while link is not None:
        if link is sender:
            raise CallCycle(
                f"{sender.name} would wait for itself for ever: {' > '.join(_circle(sender, target))}"
            )
        link = link.waiting_for


def _circle(sender: Cell, target: Cell) -> Iterator[str]:
    yield sender.name
    link: Cell | None = target
    while link is not None and link is not sender:
        yield link.name
        link = link.waiting_for
    yield sender.name
