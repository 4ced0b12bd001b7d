"""Paid time, what should be on the nodes, and what they confirmed."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from domain.money import Money


class SubscriptionStatus(StrEnum):
    """Active until its end has been decided by the writer; in grace for a while after that, where there is one."""

    ACTIVE = "active"
    GRACE = "grace"
    EXPIRED = "expired"


class Stop(StrEnum):
    """How access is stopped while there is time left, because the traffic is used up: all of it, or but for grace."""

    OFF = "off"
    GRACE = "grace"


class Subscription(Struct, frozen=True, gc=False):
    """A user's access; UUID and address token stay the same for its whole life, or until they are reissued (U6).

    `generation` counts the UUIDs before this one.

    `periods` is how many periods made up its end so far, `trial` holds until something else gave time. `item`,
    `renewal_price` and `renewal_seconds` are the plan that was bought last, at its full price;
    `recurring` if its provider charges for the next period by itself. The next reminder is due at `remind_at`.

    `traffic` bytes may be moved from the moment on at which `traffic_from` had been, None is no limit; where they are
    used up it is `stopped`. `renewal_traffic` is what the plan that was bought last adds.
    """

    id: int
    user_id: int
    uuid: UUID
    token: str
    status: SubscriptionStatus
    title: str
    created_at: datetime
    expires_at: datetime
    periods: int = 0
    trial: bool = False
    item: str | None = None
    renewal_price: Money | None = None
    renewal_seconds: int | None = None
    auto_renewal: bool = False
    last_auto_renewal_at: datetime | None = None
    recurring: bool = False
    remind_at: datetime | None = None
    generation: int = 0
    reissued_at: datetime | None = None
    traffic: int | None = None
    traffic_from: int = 0
    devices: int | None = None
    stopped: Stop | None = None
    renewal_traffic: int | None = None

    @property
    def on_nodes(self) -> bool:
        """Whether nodes are to have its user."""
        return self.status is not SubscriptionStatus.EXPIRED and self.stopped is not Stop.OFF

    @property
    def in_grace(self) -> bool:
        """Whether its user is to reach only what it takes to pay."""
        return self.status is SubscriptionStatus.GRACE or self.stopped is Stop.GRACE


class PeriodCause(StrEnum):
    """What moved the end of a subscription."""

    TRIAL = "trial"
    PAYMENT = "payment"
    GIFT = "gift"
    PROMO = "promo"
    REWARD = "reward"
    ACT = "act"
    REVIEW = "review"
    REFUND = "refund"
    REWARD_BACK = "reward_back"


class Period(Struct, frozen=True, gc=False):
    """Time given or taken (negative seconds), with the one fact that it follows from; never changed (I6)."""

    id: int
    subscription_id: int
    ordinal: int
    cause: PeriodCause
    cause_id: int
    seconds: int
    ends_at: datetime
    created_at: datetime


class Grant(Struct, frozen=True, gc=False):
    """What should be on every node: a version, whether the user is to be there, and whether a node has said so.

    `change` numbers the versions of all grants in the order in which they were decided, at `decided_at`. Whoever is
    there in `grace` reaches only what they need to pay. `generation` tells one UUID of a subscription from the next.
    """

    subscription_id: int
    uuid: UUID
    present: bool
    version: int
    change: int
    decided_at: datetime
    ready: bool = False
    trace: str | None = None
    generation: int = 0
    grace: bool = False


class Provision(Struct, frozen=True, gc=False):
    """What one node has confirmed of a grant."""

    subscription_id: int
    node: str
    version: int
    present: bool
    confirmed_at: datetime
    generation: int = 0
    grace: bool = False


class Orphan(Struct, frozen=True, gc=False):
    """A user whom a node has and nobody should: noted before they are removed, and when the node confirmed it (U5)."""

    node: str
    name: str
    uuid: UUID
    found_at: datetime
    removed_at: datetime | None = None
