"""Kill switches: what an operator has switched off for a while."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class Function(StrEnum):
    """What can be switched off besides a single worker, which has a switch under its own name."""

    PAYMENTS = "payments"
    """Beginning to pay; money that arrives all the same is booked, and gives what it pays for."""
    SIGN_UPS = "sign_ups"
    """Serving people who come for the first time while it is off."""
    PROVISIONING = "provisioning"
    """Changes of users on nodes."""
    BROADCASTS = "broadcasts"
    """Sending what is said to many at once."""


class Switch(Struct, frozen=True, gc=False):
    """A switch that was used: a function's or a worker's name, how it stands, and who put it so, why and when."""

    name: str
    switched_on: bool
    changed_by: str
    reason: str
    changed_at: datetime
