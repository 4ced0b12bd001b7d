"""Reading the outbox for the sender: what is due and first in its chat, what is too late, what was marked.

Every scan goes by a cursor, in the order of an index of what is not settled, so its cost does not depend on how much
was ever sent. A message that must wait hides the later ones of its chat and priority: their order is kept across
retries and restarts.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from actors.reading import Reading

PAGE: Final = 100

_BEFORE_ALL: Final = datetime.min.replace(tzinfo=UTC)

_DUE: Final = """
    SELECT first.id, chat_id, priority, kind, body::text AS body, attempts, not_before, expires_at, trace,
        coalesce(chosen_language, language) AS language, time_zone
    FROM outbox AS first LEFT JOIN users ON users.id = first.chat_id
    WHERE state = 'pending' AND priority = %s AND not_before <= %s AND (not_before, first.id) > (%s, %s)
        AND NOT EXISTS (
            SELECT FROM outbox AS earlier
            WHERE earlier.chat_id = first.chat_id AND earlier.priority = first.priority AND earlier.id < first.id
                AND earlier.state IN ('pending', 'sending')
        )
    ORDER BY not_before, first.id LIMIT %s
"""

_EXPIRED: Final = """
    SELECT id, expires_at FROM outbox
    WHERE state = 'pending' AND expires_at <= %s AND (expires_at, id) > (%s, %s)
    ORDER BY expires_at, id LIMIT %s
"""

_MARKED: Final = """
    SELECT id FROM outbox WHERE state = 'sending' AND id > %s ORDER BY id LIMIT %s
"""

_SENT: Final = """
    SELECT chat_id, settled_at FROM outbox
    WHERE settled_at > %s AND state IN ('sent', 'failed', 'unknown')
    ORDER BY settled_at DESC LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Due:
    """The first unsettled message of a chat and priority, once it is time; `language` is what its reader reads."""

    id: int
    chat_id: int
    priority: int
    kind: str
    body: str
    attempts: int
    not_before: datetime
    expires_at: datetime | None
    trace: str | None
    language: str | None
    time_zone: str | None


@dataclass(frozen=True, slots=True)
class Expired:
    """A message that makes no sense any more."""

    id: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Marked:
    """A message that was about to be sent."""

    id: int


@dataclass(frozen=True, slots=True)
class Sent:
    """To whom something was sent, and by when Telegram had it."""

    chat_id: int
    settled_at: datetime


class OutboxReader:
    """The outbox, read in the name of an actor. Every method raises `DatabaseAway`."""

    def __init__(self, readers: Reading, reader: str) -> None:
        self._readers = readers
        self._reader = reader

    async def due(self, priority: int, now: datetime, after: Due | None) -> list[Due]:
        """A page of what may be sent now, the longest due first; `after` is the last of the page before."""
        cursor = (_BEFORE_ALL, 0) if after is None else (after.not_before, after.id)
        return await self._readers.fetch(Due, _DUE, (priority, now, *cursor, PAGE), reader=self._reader)

    async def expired(self, now: datetime, after: Expired | None) -> list[Expired]:
        """A page of what makes no sense any more."""
        cursor = (_BEFORE_ALL, 0) if after is None else (after.expires_at, after.id)
        return await self._readers.fetch(Expired, _EXPIRED, (now, *cursor, PAGE), reader=self._reader)

    async def marked(self, after: Marked | None) -> list[Marked]:
        """A page of what is marked as about to be sent."""
        cursor = 0 if after is None else after.id
        return await self._readers.fetch(Marked, _MARKED, (cursor, PAGE), reader=self._reader)

    async def sent_since(self, moment: datetime, limit: int) -> list[Sent]:
        """The last `limit` messages that were sent after a moment, the latest first."""
        return await self._readers.fetch(Sent, _SENT, (moment, limit), reader=self._reader)
