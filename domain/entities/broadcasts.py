"""What is said to many at once, and how far it has come."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class BroadcastState(StrEnum):
    """A draft until it is started; done or cancelled it can be edited or deleted, which makes it run again."""

    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    DONE = "done"


class BroadcastAction(StrEnum):
    """What a broadcast does while it runs: it is sent, or what was sent is edited or deleted."""

    SEND = "send"
    EDIT = "edit"
    DELETE = "delete"


class BroadcastAudience(StrEnum):
    """Whom it is for: who has no running subscription, a paid one, a trial, one that has ended, or who is listed."""

    EVERYONE = "everyone"
    WITHOUT = "without"
    ACTIVE = "active"
    TRIAL = "trial"
    EXPIRED = "expired"
    LISTED = "listed"


class Broadcast(Struct, frozen=True, gc=False):
    """A broadcast. `buttons` are JSON: a list of pairs of text and address.

    It is for those of the `audience` who have the `plan`, read the `language` and are on the `node`, as far as these
    are given, and who came not later than the person with `last_number`. Everybody up to the one with the number
    `passed` has their message; what is written in this run has numbers above `since`. `reach` is for how many it was
    when it was started. `sent` and so on count what became of the messages, `changed` and `unchanged` what became of
    editing or deleting them. `panel_id` is the message in the chat `chat_id` that shows all this to whoever made it,
    `panels` how often it was written.
    """

    id: int
    state: BroadcastState
    action: BroadcastAction
    revision: int
    audience: BroadcastAudience
    html: str
    photo: str | None
    buttons: str
    created_by: str
    created_at: datetime
    plan: str | None = None
    language: str | None = None
    node: str | None = None
    chat_id: int | None = None
    panel_id: int | None = None
    panels: int = 0
    last_number: int = 0
    since: int = 0
    passed: int = 0
    reach: int = 0
    sent: int = 0
    blocked: int = 0
    failed: int = 0
    unknown: int = 0
    dropped: int = 0
    changed: int = 0
    unchanged: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None


class Listing(Struct, frozen=True, gc=False):
    """Somebody whom a broadcast to those who are listed is for."""

    broadcast_id: int
    user_id: int
