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
    """A trial has begun; `connecting` while its access is on the way to the nodes, `delayed` if that may take long."""

    title: str
    expires_at: datetime
    connecting: bool
    delayed: bool = False


class Expired(Message, frozen=True, kw_only=True, tag="expired"):
    """The time is over and access is cut; `price` and `period` are for renewing it at once, as in a reminder.

    In `grace`, what it takes to pay is still reached.
    """

    title: str
    price: Money | None = None
    period: int = 0
    grace: bool = False


class TrafficRunsOut(Message, frozen=True, kw_only=True, tag="traffic_runs_out"):
    """Most of the traffic of a plan is used, in bytes; `price` and `period` are for renewing it at once."""

    title: str
    used: int
    traffic: int
    price: Money | None = None
    period: int = 0


class TrafficUsedUp(Message, frozen=True, kw_only=True, tag="traffic_used_up"):
    """All of the traffic is used and access stops, though there is time until `expires_at`; `grace` as in `Expired`."""

    title: str
    traffic: int
    expires_at: datetime
    price: Money | None = None
    period: int = 0
    grace: bool = False


class TrafficGiven(Message, frozen=True, kw_only=True, tag="traffic_given"):
    """An operator added bytes of traffic."""

    traffic: int
    reason: str


class TooManyDevices(Message, frozen=True, kw_only=True, tag="too_many_devices"):
    """A key is used from more addresses at once than the devices that the plan is for, and that lasts."""

    title: str
    online: int
    devices: int


class AskToReissue(Message, frozen=True, kw_only=True, tag="ask_to_reissue"):
    """Asks whether the user really wants another key, as the present one ends with it."""


class KeyReissued(Message, frozen=True, kw_only=True, tag="key_reissued"):
    """Key and address are others; the new ones follow once they work, which takes a plan that is `active`."""

    active: bool
    reason: str = ""


class KeyNotReissued(Message, frozen=True, kw_only=True, tag="key_not_reissued"):
    """There is no key yet, or it was reissued a moment ago and can be again at `again_at`."""

    again_at: datetime | None = None
