"""What people are told about their access."""

from datetime import datetime

from domain.messages.base import Message
from domain.money import Money


class AccessReady(Message, frozen=True, kw_only=True, tag="access_ready"):
    """The key works: link, QR code and subscription address."""

    uuid: str
    token: str
    expires_at: datetime


class TrialStarted(Message, frozen=True, kw_only=True, tag="trial_started"):
    """A trial has begun; `connecting` while its access is still on the way to the nodes."""

    title: str
    expires_at: datetime
    connecting: bool


class Expired(Message, frozen=True, kw_only=True, tag="expired"):
    """The time is over and access is cut; `price` and `period` are for renewing it at once, as in a reminder."""

    title: str
    price: Money | None = None
    period: int = 0
