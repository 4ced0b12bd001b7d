"""What is said to many at once, and what its maker sees of it."""

import msgspec

from domain.messages.base import Message


class Announced(Message, frozen=True, kw_only=True):
    """The content of a broadcast: Telegram's HTML, a picture by its name at Telegram, buttons as text and address."""

    html: str
    photo: str | None = None
    buttons: list[tuple[str, str]] = msgspec.field(default_factory=list)


class Announcement(Announced, frozen=True, kw_only=True, tag="announcement"):
    """What the shop says to many at once."""


class AnnouncementPreview(Announced, frozen=True, kw_only=True, tag="announcement_preview"):
    """The same, shown to whoever wrote it."""


class AnnouncementEdited(Announced, frozen=True, kw_only=True, tag="announcement_edited"):
    """Another content for what was announced."""


class AnnouncementGone(Message, frozen=True, kw_only=True, tag="announcement_gone"):
    """What was announced is taken back."""


class BroadcastHelp(Message, frozen=True, kw_only=True, tag="broadcast_help"):
    """How an administrator broadcasts."""


class OrderRefused(Message, frozen=True, kw_only=True, tag="order_refused"):
    """Why something that an administrator ordered was not done."""

    why: str


class BroadcastPanel(Message, frozen=True, kw_only=True, tag="broadcast_panel"):
    """A broadcast with its progress, and the buttons that steer it; `reads` is the language of those it is for."""

    broadcast_id: int
    state: str
    action: str
    audience: str
    plan: str | None = None
    reads: str | None = None
    node: str | None = None
    reach: int
    sent: int
    blocked: int
    failed: int
    changed: int
    unchanged: int
