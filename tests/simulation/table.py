"""The table of a week: what somebody must be told and by when, what everybody has in the end, when the shop is open."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final

from tests.simulation.terms import written

NEVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Told:
    """A message that somebody must see: in which language, from when on, and by when.

    `of` is the moment that it speaks of, on the clock of its reader.
    """

    chat: int
    kind: str
    language: str
    at: datetime
    by: datetime
    on: date
    of: datetime | None

    def is_said_by(self, text: str) -> bool:
        """Whether a text names that moment as its reader would write it."""
        return self.of is None or written(self.of, self.language) in text


@dataclass(frozen=True, slots=True)
class Outcome:
    """What somebody has at the end of the week."""

    ends_at: datetime | None = None
    active: bool = False
    balance: int = 0


@dataclass(slots=True)
class Expected:
    """The table of the week, and what everybody has at its end."""

    told: list[Told] = field(default_factory=list)
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    #: Rewards by person, in hundredths: of people who do not renew by themselves.
    rewards: Counter[int] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Hours:
    """When the shop is open: the times between which its process runs."""

    open: Sequence[tuple[datetime, datetime]]

    @property
    def end(self) -> datetime:
        """The end of the week."""
        return self.open[-1][1]

    def is_open(self, at: datetime, for_: timedelta) -> bool:
        """Whether the process runs at a moment and for some time after it."""
        return any(opens <= at and at + for_ < closes for opens, closes in self.open)

    def look(
        self, since: datetime, period: timedelta | None = None, first_after: timedelta = timedelta(0)
    ) -> datetime:
        """When a worker looks, from `since` on: some time after each opening, and each `period` after that."""
        for opens, closes in self.open:
            first = opens + first_after
            if since <= first:
                return first
            at = since if period is None else first - (first - since) // period * period
            if at < closes:
                return at
        return NEVER
