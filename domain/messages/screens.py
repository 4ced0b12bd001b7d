"""Screens that people ask for."""

from datetime import datetime

from domain.messages.base import Message
from domain.money import Money


class Home(Message, frozen=True, kw_only=True, tag="home"):
    """The greeting with the main menu."""

    first_name: str


class Help(Message, frozen=True, kw_only=True, tag="help"):
    """The answer to something that we do not understand."""


class PlanList(Message, frozen=True, kw_only=True, tag="plan_list"):
    """The plans that are for sale."""


class WaysToPay(Message, frozen=True, kw_only=True, tag="ways_to_pay"):
    """How something can be paid: prices after the promo code, if there is one; `balance` is what the user has."""

    item: str
    balance: Money
    price: Money | None = None
    stars: Money | None = None
    promo: str | None = None


class TopUpList(Message, frozen=True, kw_only=True, tag="top_up_list"):
    """The amounts that can be added to the balance."""

    balance: Money


class Account(Message, frozen=True, kw_only=True, tag="account"):
    """What the user has and until when; `connected` once a node has confirmed the key.

    `used` bytes of `traffic` (None is no limit) are moved; `stopped` if they are used up. `online` are the
    addresses from which the key is used now.
    """

    balance: Money
    title: str | None = None
    expires_at: datetime | None = None
    active: bool = False
    connected: bool = False
    uuid: str | None = None
    token: str | None = None
    used: int = 0
    traffic: int | None = None
    devices: int | None = None
    stopped: bool = False
    online: int = 0


class Choices(Message, frozen=True, kw_only=True, tag="choices"):
    """The languages and time zones that a person can choose."""


class GiftList(Message, frozen=True, kw_only=True, tag="gift_list"):
    """The plans that can be given to somebody."""


class AskForCode(Message, frozen=True, kw_only=True, tag="ask_for_code"):
    """Asks for a promo code or a gift's code, which the next message of the person is."""
