"""Random acts about broadcasts: drafts, orders in any order, and what the worker writes for them."""

from random import Random
from typing import Any

from domain.commands import (
    AimBroadcast,
    Command,
    Counts,
    CreateBroadcast,
    EditBroadcast,
    ListRecipients,
    QueueBroadcast,
    QueueChanges,
    ReportBroadcast,
    SteerBroadcast,
    Steering,
)
from domain.entities import BroadcastAudience
from tests.domain.memory import Shop


def of_a_broadcast(random: Random, shop: Shop, people: list[int], update: int) -> Command[Any]:
    """Something about a broadcast: one that is there, or one that is not."""
    by: dict[str, Any] = {"request": f"b{update}", "by": "olga", "chat_id": random.choice([None, 1001])}
    known = sorted(shop.rows.broadcasts.changed)
    create = CreateBroadcast(**by, html="News", update_id=random.choice([None, update]))
    if not known:
        return create
    number = random.choice(known)
    some = tuple(random.sample(people, 2))
    orders: list[Command[Any]] = [
        create,
        EditBroadcast(**by, broadcast_id=random.choice([number, 999]), html=f"News {update}"),
        AimBroadcast(**by, broadcast_id=number, audience=random.choice(list(BroadcastAudience))),
        ListRecipients(**by, broadcast_id=number, user_ids=some),
        *[
            SteerBroadcast(
                **by, broadcast_id=number, what=what, last_number=9, panel_id=random.choice([None, 5])
            )
            for what in Steering
        ],
    ]
    work: list[Command[Any]] = [
        QueueBroadcast(number, some, random.randint(0, 9)),
        QueueChanges(number, tuple((person, 10 + person) for person in some), 0),
        ReportBroadcast(number, Counts(sent=random.randint(0, 3)), ended=random.random() < 0.5),
    ]
    return random.choice([*orders, *work, *work])
