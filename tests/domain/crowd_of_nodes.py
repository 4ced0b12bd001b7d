"""What nodes and the access workers do in a random crowd: confirm, find orphans, end what is over."""

from random import Random
from typing import Any
from uuid import UUID

from domain.commands import (
    Command,
    Confirmation,
    ConfirmProvisions,
    ExpireSubscriptions,
    RecordOrphans,
    RemindSubscriptions,
)
from tests.domain.memory import Shop

_NODES = ["one", "two"]


def of_a_node(random: Random, shop: Shop, committed: frozenset[int], update: int) -> Command[Any]:
    """A node confirms what it has, sometimes as of an older version; or it has somebody whom nobody knows."""
    if random.random() < 0.3:
        orphans = tuple((f"s{number}", UUID(int=number)) for number in (update % 5, 900 + update % 3))
        return RecordOrphans(random.choice(_NODES), orphans, random.random() < 0.5)
    grants = [each for each in shop.rows.grants.changed.values() if each.subscription_id in committed]
    confirmed = tuple(
        Confirmation(
            each.subscription_id,
            max(1, each.version - random.choice([0, 0, 1])),
            each.present,
            each.generation,
            each.grace,
        )
        for each in random.sample(grants, random.randint(1, len(grants)))
    )
    return ConfirmProvisions(random.choice(_NODES), confirmed)


def of_an_end(random: Random, committed: frozenset[int]) -> Command[Any]:
    """A worker names everybody, due or not."""
    everybody = tuple(sorted(committed))
    expire = ExpireSubscriptions(everybody, trials=random.random() < 0.5)
    return random.choice([expire, RemindSubscriptions(everybody)])
