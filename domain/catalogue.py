"""What the shop sells: plans and top-ups, with the price of each in every currency that it is sold in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta

from domain.money import Money


@dataclass(frozen=True, slots=True)
class Plan:
    """Access for a length of time; `titles` are its title in other languages.

    `traffic` in bytes, up and down together, and `devices` at once are what it is for; None is no limit.
    """

    id: str
    title: str
    duration: timedelta
    price: Money
    stars: Money
    titles: Mapping[str, str] = field(default_factory=dict)
    traffic: int | None = None
    devices: int | None = None


@dataclass(frozen=True, slots=True)
class TopUp:
    """An amount that is added to a user's balance: `price` is what is asked and added; `titles` as for a plan."""

    id: str
    title: str
    price: Money
    stars: Money
    titles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trial:
    """Access for nothing, once for each person who never had any; `traffic` and `devices` as of a plan."""

    title: str
    duration: timedelta
    titles: Mapping[str, str] = field(default_factory=dict)
    traffic: int | None = None
    devices: int | None = None


@dataclass(frozen=True, slots=True)
class Earning:
    """What an invitation earns: a percentage of what was paid, onto the balance, or days of access."""

    percent: int = 0
    days: int = 0


@dataclass(frozen=True, slots=True)
class ReferralTerms:
    """Who earns by a purchase of somebody invited: `levels[0]` is who invited them, `buyer` they themselves.

    `first_only`: only the first purchase of each person earns.
    """

    levels: tuple[Earning, ...]
    buyer: Earning = field(default_factory=Earning)
    first_only: bool = True


@dataclass(frozen=True, slots=True)
class ReminderTerms:
    """How long before an end, and how long after it, people are reminded of it."""

    before: tuple[timedelta, ...] = ()
    after: tuple[timedelta, ...] = ()


@dataclass(frozen=True, slots=True)
class QuietHours:
    """The time of day, where the reader is, at which nobody is reminded of anything; over midnight if it ends first."""

    begins: time
    ends: time


@dataclass(frozen=True, slots=True)
class Reminders:
    """The reminders of trials and of what was paid; `time_zone` is that of people of whom we know none."""

    paid: ReminderTerms = field(default_factory=ReminderTerms)
    trial: ReminderTerms = field(default_factory=ReminderTerms)
    quiet: QuietHours | None = None
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything that is for sale, in the operator's order, and the terms of what comes with it."""

    currency: str
    plans: Mapping[str, Plan]
    top_ups: Mapping[str, TopUp]
    trial: Trial | None = None
    referral: ReferralTerms | None = None
    reminders: Reminders = field(default_factory=Reminders)
    #: For how long after the end of a subscription its user still reaches what it takes to pay.
    grace: timedelta = timedelta(0)

    def find(self, item: str) -> Plan | TopUp | None:
        """The thing that `plan:month`, `gift:month` or `top_up:500` names, None if it is not sold (any more)."""
        kind, _, name = item.partition(":")
        match kind:
            case "plan" | "gift":
                return self.plans.get(name)
            case "top_up":
                return self.top_ups.get(name)
            case _:
                return None

    def title_in(self, language: str, title: str) -> str:
        """A title in a language: what the plan or top-up that bears it is called there, itself if nothing says so."""
        items: list[Plan | TopUp | Trial] = [*self.plans.values(), *self.top_ups.values()]
        items += [] if self.trial is None else [self.trial]
        for item in items:
            if item.title == title:
                base = language.partition("-")[0]
                return item.titles.get(language) or item.titles.get(base, title)
        return title
