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
    """How a plan or a top-up can be paid; `balance` is what the user has."""

    item: str
    balance: Money


class TopUpList(Message, frozen=True, kw_only=True, tag="top_up_list"):
    """The amounts that can be added to the balance."""

    balance: Money


class Account(Message, frozen=True, kw_only=True, tag="account"):
    """What the user has and until when; `connected` once a node has confirmed the key."""

    balance: Money
    title: str | None = None
    expires_at: datetime | None = None
    active: bool = False
    connected: bool = False
    uuid: str | None = None
    token: str | None = None
