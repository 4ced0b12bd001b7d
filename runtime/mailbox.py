"""A mailbox: a bounded memory channel and its bookkeeping. It belongs to an address and outlives incarnations.

The channel is the wire. It is drained by `receive_nowait`, which does not go through the scheduler: an owner that
has mail does not sleep between two messages, and that is worth a factor of fifteen. What must be seen before work
(stop, suspend, restart) does not queue here at all: the supervisor sets the incarnation's order and calls `wake`.
"""

from collections import deque
from contextlib import suppress

import trio

from .envelope import Envelope
from .messages import Message


class Mailbox:
    """Waiting envelopes, at most `capacity` of them, first in, first out. Senders beyond that wait or are refused."""

    __slots__ = (
        "_coming",
        "_head",
        "_hints",
        "_inlet",
        "_outlet",
        "_parked",
        "capacity",
        "closed",
        "coalesced",
        "refused",
    )

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.closed = False
        self.coalesced = 0
        self.refused = 0
        self._inlet, self._outlet = trio.open_memory_channel[Envelope | None](capacity)
        self._head: deque[Envelope] | None = None  # taken off the wire, but not begun
        self._hints: set[Message] | None = None
        self._coming = 0  # offered or put, and not yet taken
        self._parked = False

    def __len__(self) -> int:
        return self._outlet.statistics().current_buffer_used + (len(self._head) if self._head else 0)

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
        try:
            self._inlet.send_nowait(envelope)
        except (trio.WouldBlock, trio.BrokenResourceError):
            self.refused += 1
            return False
        self._coming += 1
        if message.coalesce:
            self._remember_hint(message)
        return True

    async def put(self, envelope: Envelope) -> None:
        """Wait for room. Raises `trio.BrokenResourceError` if the mailbox is or gets closed."""
        self._coming += 1
        try:
            await self._inlet.send(envelope)
        except BaseException:
            self._coming -= 1
            raise

    def take(self) -> Envelope | None:
        """The oldest waiting envelope, or None. It is the owner's now."""
        envelope = self._head.popleft() if self._head else self._from_wire()
        if envelope is not None:
            self._coming -= 1
            if self._hints and envelope.message.coalesce:
                self._hints.discard(envelope.message)
        return envelope

    def oldest(self) -> Envelope | None:
        """The envelope that `take` would return, left where it is."""
        if not self._head:
            envelope = self._from_wire()
            if envelope is None:
                return None
            self._hold(envelope)
        return self._head[0] if self._head else None

    async def wait(self) -> None:
        """Sleep until there may be something to take, or until woken."""
        if self._head:
            return
        self._parked = True
        try:
            envelope = await self._outlet.receive()
        finally:
            self._parked = False
        # Not handed out from here: if the owner was cancelled meanwhile, the envelope stays first in the queue.
        if envelope is not None:
            self._hold(envelope)

    def wake(self) -> None:
        """End the owner's `wait`. Without effect on an owner that is awake."""
        # With a full buffer there is mail, and an owner with mail does not sleep.
        if self._parked:
            with suppress(trio.WouldBlock):
                self._inlet.send_nowait(None)

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

    def _from_wire(self) -> Envelope | None:
        # Looking by count first: WouldBlock, an exception, costs as much as a message.
        if self._coming == 0 or self.closed:
            return None
        try:
            while (envelope := self._outlet.receive_nowait()) is None:
                pass
        except trio.WouldBlock:
            return None
        return envelope

    def _hold(self, envelope: Envelope) -> None:
        if self._head is None:
            self._head = deque()
        self._head.append(envelope)

    def _remember_hint(self, message: Message) -> None:
        if self._hints is None:
            self._hints = set()
        self._hints.add(message)
