"""One table of everything that is due at some time: call deadlines, backoffs, watches; one task sleeps for the
earliest.

A cancel scope for each call costs more than the call. A heap costs a push, and what was settled before its time is
not even taken out: it is swept when half of the table is such leftovers. An idle runtime has an empty table and no
wake-ups.
"""

from heapq import heapify, heappop, heappush
from math import inf
from typing import Protocol

import trio

SWEEP_FROM = 256
"""Size of the table below which leftovers are not worth a sweep."""


class Expiring(Protocol):
    """What the table holds: what wants to be told when its time has come, unless it is settled by then."""

    @property
    def settled(self) -> bool:
        """True if its time does not matter any more."""
        ...

    def expire(self) -> None:
        """Its time has come."""


class Alarm:
    """Calls `action` at its time, unless cancelled."""

    __slots__ = ("_action", "settled")

    def __init__(self, action: "Action") -> None:
        self._action = action
        self.settled = False

    def cancel(self) -> None:
        """Never ring."""
        self.settled = True

    def expire(self) -> None:
        self.settled = True
        self._action()


class Action(Protocol):
    """What an alarm does."""

    def __call__(self) -> None: ...


class Timers:
    """The table. `add` may be called at any time; nothing expires unless `run` is running."""

    def __init__(self) -> None:
        self._table: list[tuple[float, int, Expiring]] = []
        self._serial = 0
        self._sweep_at = SWEEP_FROM
        self._wakes_at = inf
        self._sleep = trio.CancelScope()

    def __len__(self) -> int:
        return len(self._table)

    def add(self, when: float, item: Expiring) -> None:
        """Have `item` expire at `when`, in seconds of `trio.current_time()`; equal times expire in order of adding."""
        self._serial += 1
        if len(self._table) >= self._sweep_at:
            self._sweep()
        heappush(self._table, (when, self._serial, item))
        if when < self._wakes_at:
            self._wakes_at = self._sleep.deadline = when

    async def run(self) -> None:
        """Let things expire, until cancelled."""
        while True:
            earliest = self._table[0][0] if self._table else inf
            self._wakes_at = earliest
            with trio.CancelScope(deadline=earliest) as self._sleep:
                await trio.sleep_forever()
            self._expire_due()

    def _expire_due(self) -> None:
        now = trio.current_time()
        table = self._table
        while table and (table[0][0] <= now or table[0][2].settled):
            item = heappop(table)[2]
            if not item.settled:
                item.expire()

    def _sweep(self) -> None:
        # In place: an expiring item may add another while `_expire_due` holds the same list.
        self._table[:] = [entry for entry in self._table if not entry[2].settled]
        heapify(self._table)
        self._sweep_at = max(SWEEP_FROM, 2 * len(self._table))
