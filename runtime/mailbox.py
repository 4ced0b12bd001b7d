"""A mailbox: a bounded memory channel and its bookkeeping. It belongs to an address and outlives incarnations.

The channel is the wire, and it is drained by `receive_nowait`, which does not go through the scheduler: an owner that
has mail does not sleep between two messages, and that is worth a factor of fifteen. An owner without mail parks beside
the channel, not in it, so that it can be woken for another reason: what must be seen before work (stop, suspend,
restart) does not queue here at all, the supervisor gives the incarnation an order and calls `wake`. What is sent to an
owner without mail is first in line at once and need not pass the wire.
"""

from collections import deque

import trio

from .envelope import Envelope
from .messages import Message


class Mailbox:
    """Waiting envelopes, at most `capacity` of them, first in, first out. Senders beyond that wait or are refused."""

    __slots__ = (
        "_first",
        "_hints",
        "_inlet",
        "_outlet",
        "_parked",
        "_shown",
        "capacity",
        "closed",
        "coalesced",
        "coming",
        "reached",
        "refused",
    )

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.closed = False
        self.coalesced = 0
        self.refused = 0
        self._inlet, self._outlet = trio.open_memory_channel[Envelope](capacity)
        self.coming = 0
        """How many wait: accepted and not yet taken, and those whose senders wait for room."""
        self.reached = 0.0
        """When that was queued which was taken last: how far the owner has come."""
        self._first: Envelope | None = None
        """Next to be taken."""
        self._shown: deque[Envelope] | None = None
        """Taken off the wire to be shown; next in line after the first, before what is on the wire."""
        self._hints: set[Message] | None = None
        self._parked: trio.lowlevel.Task | None = None

    def __len__(self) -> int:
        ahead = (self._first is not None) + (len(self._shown) if self._shown else 0)
        return self._outlet.statistics().current_buffer_used + ahead

    @property
    def senders_waiting(self) -> int:
        """How many senders wait for room."""
        return self._inlet.statistics().tasks_waiting_send

    def offer(self, envelope: Envelope) -> bool:
        """Accept the envelope if there is room (or an equal hint waits already); False if full or closed."""
        message = envelope.message
        if message.coalesce and self._hints and message in self._hints:
            self.coalesced += 1
            return True
        if self.coming >= self.capacity or self.closed:
            self.refused += 1
            return False
        if self._parked is not None and self.coming == 0:
            self._first = envelope
        else:
            self._inlet.send_nowait(envelope)
        self.coming += 1
        if message.coalesce:
            self._remember_hint(message)
        if self._parked is not None:
            self.wake()
        return True

    async def put(self, envelope: Envelope) -> None:
        """Wait for room. Raises `trio.BrokenResourceError` if the mailbox is or gets closed."""
        self.coming += 1
        try:
            await self._inlet.send(envelope)
        except BaseException:
            self.coming -= 1
            raise
        self.wake()

    def take(self) -> Envelope | None:
        """The oldest waiting envelope, or None. It is the owner's now."""
        envelope = self._first
        if envelope is not None:
            self._first = None
        elif self.coming == 0 or (envelope := self._next()) is None:
            return None
        self.coming -= 1
        self.reached = envelope.queued_at
        if self._hints and envelope.message.coalesce:
            self._hints.discard(envelope.message)
        return envelope

    def oldest(self) -> Envelope | None:
        """The envelope that `take` would return, left where it is."""
        if self._first is None:
            self._first = self._next()
        return self._first

    def kinds(self) -> set[type[Message]]:
        """The types of the messages that wait, which are left where they are."""
        shown = self._shown = self._shown or deque()
        for _ in range(self._outlet.statistics().current_buffer_used):
            shown.append(self._outlet.receive_nowait())
        first = [] if self._first is None else [self._first]
        return {type(envelope.message) for envelope in (*first, *shown)}

    async def wait(self) -> None:
        """Sleep until there may be something to take, or until woken. Only for an owner that just took None."""
        self._parked = trio.lowlevel.current_task()
        await trio.lowlevel.wait_task_rescheduled(self._unpark)

    def wake(self) -> None:
        """End the owner's `wait`. Without effect on an owner that is awake."""
        if self._parked is not None:
            owner, self._parked = self._parked, None
            trio.lowlevel.reschedule(owner)

    def close(self) -> list[Envelope]:
        """Accept nothing more, fail the senders that wait for room, and give back what was queued."""
        if self.closed:
            return []
        leftovers = []
        while (envelope := self.take()) is not None:
            leftovers.append(envelope)
        self._outlet.close()
        self.closed = True
        return leftovers

    def _next(self) -> Envelope | None:
        if self._shown:
            return self._shown.popleft()
        # Looking by count first: WouldBlock, an exception, costs as much as a message.
        return None if self.coming == 0 or self.closed else self._from_wire()

    def _from_wire(self) -> Envelope | None:
        try:
            return self._outlet.receive_nowait()
        except trio.WouldBlock:
            return None

    def _unpark(self, _: object) -> trio.lowlevel.Abort:
        self._parked = None
        return trio.lowlevel.Abort.SUCCEEDED

    def _remember_hint(self, message: Message) -> None:
        if self._hints is None:
            self._hints = set()
        self._hints.add(message)
