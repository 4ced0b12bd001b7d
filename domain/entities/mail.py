"""Updates that came in, messages that go out, and first answers."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class MessageState(StrEnum):
    """Where an outbox row is; `UNKNOWN` may have arrived and is not sent again."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"


class OutboxMessage(Struct, frozen=True, gc=False):
    """A message to a person, written in the transaction of the fact that it tells (N1)."""

    id: int
    chat_id: int
    key: str
    kind: str
    body: str
    created_at: datetime
    not_before: datetime
    state: MessageState = MessageState.PENDING
    attempts: int = 0
    message_id: int | None = None
    error: str | None = None
    settled_at: datetime | None = None
    trace: str | None = None


class Update(Struct, frozen=True, gc=False):
    """An update from Telegram as it came in; `done_at` is set in the transaction of what it caused.

    `chat_id` is what updates are kept in order by, 0 where there is no chat.
    """

    id: int
    chat_id: int
    body: str
    received_at: datetime
    attempts: int = 0
    done_at: datetime | None = None
    error: str | None = None
    trace: str | None = None


class Answer(Struct, frozen=True, gc=False):
    """The first answer to a command with a key; a repeat of the command gets it again."""

    key: str
    command: str
    reply: str
    created_at: datetime
