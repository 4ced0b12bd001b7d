"""Paid time, what should be on the nodes, and what they confirmed."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class SubscriptionStatus(StrEnum):
    """Active until its end has been decided by the writer."""

    ACTIVE = "active"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Subscription:
    """A user's paid access; UUID and address token stay the same for its whole life (U6)."""

    id: int
    user_id: int
    uuid: UUID
    token: str
    status: SubscriptionStatus
    title: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Grant:
    """What should be on every node: a version, whether the user is to be there, and whether a node has said so."""

    subscription_id: int
    uuid: UUID
    present: bool
    version: int
    ready: bool = False
    trace: str | None = None


@dataclass(frozen=True, slots=True)
class Provision:
    """What one node has confirmed of a grant."""

    subscription_id: int
    node: str
    version: int
    present: bool
    confirmed_at: datetime
