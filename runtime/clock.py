"""The one door through which time of day comes in. (Deadlines and backoffs count in `trio.current_time()`.)

Two clocks, and the choice between them is the difference between a shop and a rehearsal. `SystemClock` asks the
host each time, because a host that was suspended or migrated has a monotonic clock that is behind for good.
`AdjustableClock` runs on Trio's time from a given start and can be moved forward while everything runs, so a month
passes in a test, or in a sandbox.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol

import trio

LONGEST_NAP = 30.0
"""Seconds that a sleep by the host's clock may go without looking at that clock again."""


class Clock(Protocol):
    """What actors may know of the time."""

    def now(self) -> datetime:
        """The time of day, aware, in UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Sleep for a duration."""
        ...

    async def sleep_until(self, moment: datetime) -> None:
        """Sleep until a time of day; not at all if that is past."""
        ...


class SystemClock:
    """The host's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await trio.sleep(seconds)

    async def sleep_until(self, moment: datetime) -> None:
        # The host sends no event when its time is set, so there is none to wait for.
        while (left := (moment - self.now()).total_seconds()) > 0:  # noqa: ASYNC110
            await trio.sleep(min(left, LONGEST_NAP))
        await trio.lowlevel.checkpoint()


class AdjustableClock:
    """A clock that starts at `start` (default: the host's time) and then follows Trio's time, plus what it was moved.

    Under `trio.testing.MockClock` it therefore moves with the test. It starts to run when it is first asked.
    """

    def __init__(self, start: datetime | None = None) -> None:
        if start is not None and start.tzinfo is None:
            raise ValueError(f"a clock needs a start with a time zone, not {start.isoformat()}")
        self._start = datetime.now(UTC) if start is None else start.astimezone(UTC)
        self._started_at: float | None = None
        self._moved = trio.Event()

    def now(self) -> datetime:
        if self._started_at is None:
            self._started_at = trio.current_time()
        return self._start + timedelta(seconds=trio.current_time() - self._started_at)

    def move(self, distance: timedelta) -> None:
        """Move forward while running; whoever sleeps past that time wakes. Raises ValueError for a move back."""
        if distance < timedelta(0):
            raise ValueError(f"the clock moves forward only, not by {distance}")
        self._start += distance
        moved, self._moved = self._moved, trio.Event()
        moved.set()

    async def sleep(self, seconds: float) -> None:
        await self.sleep_until(self.now() + timedelta(seconds=seconds))

    async def sleep_until(self, moment: datetime) -> None:
        while (left := (moment - self.now()).total_seconds()) > 0:
            with trio.move_on_after(left):
                await self._moved.wait()
        await trio.lowlevel.checkpoint()
