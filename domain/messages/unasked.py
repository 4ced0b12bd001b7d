"""What people are told without having asked: reminders, and what goes to many at once."""

from datetime import datetime

from domain.messages.base import Message


class EndsSoon(Message, frozen=True, kw_only=True, tag="ends_soon"):
    """A reminder that access ends at `expires_at` unless it is renewed."""

    title: str
    expires_at: datetime


class Announcement(Message, frozen=True, kw_only=True, tag="announcement"):
    """What the shop says to many at once, as plain text."""

    text: str
