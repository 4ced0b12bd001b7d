"""What the shop sells: plans and top-ups, with the price of each in every currency that it is sold in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from domain.money import Money


@dataclass(frozen=True, slots=True)
class Plan:
    """Access for a length of time; `titles` are its title in other languages."""

    id: str
    title: str
    duration: timedelta
    price: Money
    stars: Money
    titles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TopUp:
    """An amount that is added to a user's balance: `price` is what is asked and added; `titles` as for a plan."""

    id: str
    title: str
    price: Money
    stars: Money
    titles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything that is for sale, in the operator's order."""

    currency: str
    plans: Mapping[str, Plan]
    top_ups: Mapping[str, TopUp]

    def find(self, item: str) -> Plan | TopUp | None:
        """The thing that an item such as `plan:month` or `top_up:500` names, None if it is not sold (any more)."""
        kind, _, name = item.partition(":")
        match kind:
            case "plan":
                return self.plans.get(name)
            case "top_up":
                return self.top_ups.get(name)
            case _:
                return None

    def title_in(self, language: str, title: str) -> str:
        """A title in a language: what the plan or top-up that bears it is called there, itself if nothing says so."""
        items: list[Plan | TopUp] = [*self.plans.values(), *self.top_ups.values()]
        for item in items:
            if item.title == title:
                return item.titles.get(language, title)
        return title
