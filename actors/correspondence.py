"""What an operator reads of the messages to one person: each with its state, the newest first."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from actors.reading import Reading

PAGE: Final = 50

_ADDRESSEE: Final = """
    SELECT first_name, unreachable_since FROM users WHERE id = %s
"""

_MESSAGES: Final = """
    SELECT id, kind, state, created_at, not_before, expires_at, settled_at, attempts, message_id, error, trace
    FROM outbox WHERE chat_id = %s AND id < %s ORDER BY id DESC LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Addressee:
    """Somebody who has written to the bot; since when nothing reaches them, None if they can be reached."""

    first_name: str
    unreachable_since: datetime | None


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A message and what became of it. `attempts` are tries; `not_before` is when the next one may be."""

    id: int
    kind: str
    state: str
    created_at: datetime
    not_before: datetime
    expires_at: datetime | None
    settled_at: datetime | None
    attempts: int
    message_id: int | None
    error: str | None
    trace: str | None


@dataclass(frozen=True, slots=True)
class Correspondence:
    """A page of the messages to one person, at a moment; without an addressee they have never written."""

    at: datetime
    addressee: Addressee | None
    messages: list[MessageRow]


async def correspondence(
    readers: Reading, user_id: int, before: int, at: datetime, *, reader: str
) -> Correspondence:
    """The newest messages to a person whose numbers are below `before`. Raises `DatabaseAway`."""
    addressee = await readers.fetch_one(Addressee, _ADDRESSEE, (user_id,), reader=reader)
    messages = await readers.fetch(MessageRow, _MESSAGES, (user_id, before, PAGE), reader=reader)
    return Correspondence(at, addressee, messages)
