"""What is remembered of a worker across its incarnations: its switch, when it ran, what it left undone.

It belongs to the cell, so that an operator's switch and a row that was set aside survive a crash of the worker.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

LONGEST_ASIDE = 6 * 3600.0
"""Seconds after which a row that failed is tried again at the latest."""

ROWS_ASIDE = 1000
"""How many rows that failed are remembered; beyond that the one that failed first is tried again early."""


@dataclass(frozen=True, slots=True)
class Iteration:
    """What one tick did: how many rows were due, how many of them were dealt with, and whether it must go on.

    `reason` is the sentence for the operator if rows were due and none was dealt with; the worker knows best why.
    """

    due: int
    done: int
    more: bool = False
    reason: str = ""


@dataclass(slots=True)
class Aside:
    """A row that failed: how often in a row, and not to be tried before `until` (Trio's time)."""

    failures: int
    until: float


@dataclass(slots=True)
class Duty:
    """A worker's record."""

    switched_on: bool = True
    last_run: datetime | None = None
    last_seconds: float | None = None
    next_run: datetime | None = None
    last: Iteration | None = None
    aside: dict[str, Aside] = field(default_factory=dict)

    def is_aside(self, key: str, now: float) -> bool:
        """True if the row failed before and its time to be tried again has not come."""
        return key in self.aside and now < self.aside[key].until

    def set_aside(self, key: str, now: float, period: float) -> Aside:
        """Remember that a row failed; each failure doubles the time until it is tried again."""
        failures = self.aside.pop(key).failures + 1 if key in self.aside else 1
        wait = min(LONGEST_ASIDE, period * 2.0 ** min(failures - 1, 32))
        if len(self.aside) >= ROWS_ASIDE:
            del self.aside[next(iter(self.aside))]
        aside = self.aside[key] = Aside(failures, now + wait)
        return aside
