"""What operators do by hand in a random crowd."""

from random import Random
from typing import Any

from domain.commands import (
    AdjustBalance,
    Command,
    CreatePromo,
    GrantTime,
    Person,
    ReissueKey,
    RevokeAccess,
    SetSwitch,
    SwitchPromo,
)
from domain.entities import Audience, Function, PromoKind
from domain.money import Money

#: Promo codes that there may be; the last is never made.
CODES = ["TEN", "FIFTY", "WEEK", "BONUS", "GONE"]

#: What is switched off now and then.
SWITCHES = [*(function.value for function in Function), "auto_renewal"]


def promo_by_hand(random: Random, update: int) -> Command[Any]:
    """A promo code that is made, or switched."""
    code = random.choice(CODES[:-1])
    kind, terms = {
        "TEN": (PromoKind.PERCENT, {"percent": 10}),
        "FIFTY": (PromoKind.FIXED, {"amount": Money(5000, "RUB")}),
        "WEEK": (PromoKind.DAYS, {"days": 7}),
        "BONUS": (PromoKind.BALANCE, {"amount": Money(20000, "RUB")}),
    }[code]
    by = operator(random, update)
    made = CreatePromo(
        **by,
        code=code,
        kind=kind,
        max_uses=random.choice([None, 1, 3]),
        per_user=random.choice([1, 2]),
        first_purchase_only=random.random() < 0.2,
        audience=random.choice([Audience.EVERYONE, Audience.EVERYONE, *Audience]),
        plan=random.choice([None, None, "month"]),
        **terms,  # type: ignore[arg-type]
    )
    switched = SwitchPromo(**by, code=code, enabled=random.random() < 0.7)
    return random.choice([made, made, switched])


def operator(random: Random, update: int) -> dict[str, Any]:
    """Who, and why; sometimes for no reason that could be kept."""
    return {
        "request": f"r{update}",
        "by": "olga",
        "reason": random.choice(["because", "because", " "]),
    }


def by_hand(random: Random, update: int, person: Person) -> Command[Any]:
    """Something done to a person."""
    by = operator(random, update)
    amount = Money(random.choice([-30000, -100, 0, 100, 25000]), "RUB")
    return random.choice(
        [
            GrantTime(**by, user_id=person.id, days=random.choice([0, 1, 30])),
            AdjustBalance(**by, user_id=person.id, amount=amount),
            RevokeAccess(**by, user_id=person.id),
            ReissueKey(**by, user_id=person.id),
            SetSwitch(**by, name=random.choice(SWITCHES), on=random.random() < 0.7),
        ]
    )
