"""Reading all that a batch of commands will need, in a few set-based statements, before anything is decided."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from domain.commands import Command
from domain.draft import View
from domain.entities import SHOP
from storage.connection import TrioConnection
from storage.tables import (
    ACCOUNTS,
    ANSWERS,
    GRANTS,
    OUTBOX,
    PAYMENTS,
    PROVISIONS,
    PURCHASES,
    SUBSCRIPTIONS,
    UPDATES,
    USERS,
    Table,
)

E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class Prefetched:
    """The view, and the user of every subscription in it."""

    view: View
    owners: dict[int, int]


async def prefetch(connection: TrioConnection, commands: Sequence[Command[Any]]) -> Prefetched:
    """Read the rows that the commands name, then the rows of the users that these belong to."""
    needs = [command.needs() for command in commands]
    keys = [key for command in commands if (key := command.key()) is not None]
    charges = {charge for need in needs for charge in need.charges}

    answers = await _read(connection, ANSWERS, ["key"], [keys])
    updates = await _read(connection, UPDATES, ["id"], [_all(need.updates for need in needs)])
    outbox = await _read(connection, OUTBOX, ["id"], [_all(need.outbox for need in needs)])
    purchases = await _read(connection, PURCHASES, ["id"], [_all(need.purchases for need in needs)])
    payments = await _read(
        connection,
        PAYMENTS,
        ["provider", "charge_id"],
        [[str(provider) for provider, _ in charges], [charge for _, charge in charges]],
    )
    named = await _read(connection, SUBSCRIPTIONS, ["id"], [_all(need.subscriptions for need in needs)])

    people = set(_all(need.users for need in needs))
    people.update(row.user_id for row in purchases)
    people.update(row.user_id for row in named)
    people.update(row.chat_id for row in outbox)
    who = sorted(people)
    users = await _read(connection, USERS, ["id"], [who])
    accounts = await _read(connection, ACCOUNTS, ["owner"], [[SHOP, *who] if who or charges else []])
    subscriptions = await _read(connection, SUBSCRIPTIONS, ["user_id"], [who])

    of = [row.id for row in subscriptions]
    grants = await _read(connection, GRANTS, ["subscription_id"], [of])
    provisions = await _read(connection, PROVISIONS, ["subscription_id"], [of])

    view = View()
    view.answers.load(answers)
    view.updates.load(updates)
    view.outbox.load(outbox)
    view.purchases.load(purchases)
    view.payments.load(payments)
    view.users.load(users)
    view.accounts.load(accounts)
    view.subscriptions.load(subscriptions)
    view.grants.load(grants)
    view.provisions.load(provisions)
    return Prefetched(view, {row.id: row.user_id for row in subscriptions})


def _all(groups: Iterable[tuple[int, ...]]) -> list[int]:
    return sorted({each for group in groups for each in group})


async def _read(
    connection: TrioConnection, table: Table[E], by: Sequence[str], arrays: Sequence[Sequence[object]]
) -> list[E]:
    if not arrays[0]:
        return []
    cursor = await connection.execute(table.select(by), [list(array) for array in arrays], prepare=True)
    return [table.read(row) for row in await cursor.fetchall()]
