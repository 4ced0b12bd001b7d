"""Updates that came in, messages that go out, and first answers."""

from datetime import datetime
from enum import IntEnum, StrEnum

from msgspec import Struct


class MessageState(StrEnum):
    """Where an outbox row is: to be sent, about to be sent (marked, where it must not be sent twice), or settled."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    """It will never arrive."""
    UNKNOWN = "unknown"
    """It may have arrived and is not sent again."""
    DROPPED = "dropped"
    """It made no sense any more when it could have been sent."""


class Priority(IntEnum):
    """What goes first when not everything can: the lower number."""

    PROMPT = 0
    """Answers to people, and facts about money and access."""
    REMINDER = 1
    BROADCAST = 2


class OutboxMessage(Struct, frozen=True, gc=False):
    """A message to a person, written in the transaction of the fact that it tells (N1).

    From `expires_at` on it makes no sense any more. `broadcast_id` is the broadcast that it is a part of.
    """

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
    priority: int = Priority.PROMPT.value
    expires_at: datetime | None = None
    broadcast_id: int | None = None


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
