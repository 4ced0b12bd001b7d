"""What became of the messages of a broadcast, counted as it happens.

A message that is settled is read once; only those that are still open are read again, and these are few. So a look
costs what has happened since the last one, and after a restart one pass over what was written.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from actors.reading import Reading
from domain.commands import Counts

_PAGE: Final = 1000

#: How often whoever made a broadcast sees its progress.
_TOLD_EVERY: Final = timedelta(seconds=5)

_OPEN: Final = ("pending", "sending")

_WRITTEN: Final = """
    SELECT o.id, o.state, u.unreachable_since IS NOT NULL AS unreachable
    FROM outbox AS o LEFT JOIN users AS u ON u.id = o.chat_id
    WHERE o.broadcast_id = %s AND o.id > %s
    ORDER BY o.id LIMIT %s
"""

_AGAIN: Final = """
    SELECT o.id, o.state, u.unreachable_since IS NOT NULL AS unreachable
    FROM outbox AS o LEFT JOIN users AS u ON u.id = o.chat_id
    WHERE o.id = ANY (%s)
    ORDER BY o.id
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One message: its state, and whether its recipient cannot be reached."""

    id: int
    state: str
    unreachable: bool

    @property
    def word(self) -> str:
        """What it counts as; who cannot be reached has blocked the bot, as a rule."""
        return "blocked" if self.state == "failed" and self.unreachable else self.state


class Progress:
    """The counts of one run of a broadcast, whose messages have numbers above `since`."""

    def __init__(self, readers: Reading, reader: str, broadcast_id: int, since: int) -> None:
        self._readers = readers
        self._reader = reader
        self._broadcast_id = broadcast_id
        self._last = since
        self._open: set[int] = set()
        self._counts: Counter[str] = Counter()
        self._told: Counter[str] | None = None
        self._told_at: datetime | None = None
        #: Whether everything that was written has been seen.
        self.is_complete = False

    @property
    def unsettled(self) -> int:
        """How many messages are written of which nothing has become yet."""
        return len(self._open)

    async def look(self, is_out_of_time: Callable[[], bool]) -> None:
        """Count what has happened since the last look; raises `DatabaseAway`."""
        if self._open:
            again = await self._readers.fetch(Outcome, _AGAIN, (list(self._open),), reader=self._reader)
            self._count(again)
        self.is_complete = False
        while page := await self._readers.fetch(
            Outcome, _WRITTEN, (self._broadcast_id, self._last, _PAGE), reader=self._reader
        ):
            self._count(page)
            self._last = page[-1].id
            if is_out_of_time() and len(page) == _PAGE:
                return
        self.is_complete = True

    def is_worth_telling(self, now: datetime) -> bool:
        """Whether there is news, and the last news are some seconds old."""
        is_time = self._told_at is None or not self._told_at <= now < self._told_at + _TOLD_EVERY
        return self.is_complete and is_time and self._counts != self._told

    def tell(self, now: datetime) -> Counts:
        """The counts, which are known from now on."""
        self._told, self._told_at = self._counts.copy(), now
        words = ("sent", "blocked", "failed", "unknown", "dropped")
        return Counts(**{word: self._counts[word] for word in words})

    def _count(self, outcomes: list[Outcome]) -> None:
        for each in outcomes:
            if each.state in _OPEN:
                self._open.add(each.id)
            else:
                self._open.discard(each.id)
                self._counts[each.word] += 1
