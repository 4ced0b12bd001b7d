"""What people are told without having asked: that their access ends, or has ended."""

from datetime import datetime

from domain.messages.base import Message
from domain.money import Money


class Reminder(Message, frozen=True, kw_only=True):
    """What reminders of an end have in common.

    `period` is which period of the subscription it speaks of: once another has begun, it is not true any more. `price`
    is for which it can be renewed from the balance, None where there is no plan to renew; `missing` is what the balance
    lacks where the renewal by itself needs it.
    """

    title: str
    expires_at: datetime
    trial: bool = False
    period: int = 0
    price: Money | None = None
    missing: Money | None = None


class EndsSoon(Reminder, frozen=True, kw_only=True, tag="ends_soon"):
    """Access ends at `expires_at` unless it is renewed."""


class ComeBack(Reminder, frozen=True, kw_only=True, tag="come_back"):
    """Access has ended at `expires_at`, some time ago; it can be had again with the same key."""
