"""Reading all that a batch of commands will need, in a few set-based statements, before anything is decided."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from domain.commands import Command
from domain.draft import ChargeKey, View
from domain.entities import SHOP, Payment, Purchase, User
from domain.referrals import LEVELS_MAX
from storage import tables
from storage.connection import TrioConnection
from storage.tables import Table

E = TypeVar("E")

#: Everybody above some users in the order of invitations, as far up as a purchase rewards.
_INVITERS: Final = b"""
    WITH RECURSIVE above AS (
        SELECT referrer_id, 1 AS level FROM users WHERE id = ANY(%s) AND referrer_id IS NOT NULL
        UNION
        SELECT u.referrer_id, level + 1 FROM above JOIN users u ON u.id = above.referrer_id
        WHERE u.referrer_id IS NOT NULL AND level < %s
    )
    SELECT DISTINCT referrer_id FROM above
"""


@dataclass(slots=True)
class Prefetched:
    """The view, with what its rows are called by: a subscription's user, a payment's charge, an invitation's user."""

    view: View = field(default_factory=View)
    owners: dict[int, int] = field(default_factory=dict)
    charges: dict[int, ChargeKey] = field(default_factory=dict)
    inviters: dict[str, int] = field(default_factory=dict)


async def prefetch(connection: TrioConnection, commands: Sequence[Command[Any]]) -> Prefetched:
    """Read the rows that the commands name, then what these belong to, then the rows of every user among them."""
    found = Prefetched()
    view, needs = found.view, [command.needs() for command in commands]
    keys = [key for command in commands if (key := command.key()) is not None]
    codes = _all(need.codes for need in needs)

    async def read(table: Table[E], by: str, values: Iterable[object]) -> list[E]:
        return await _read(connection, table, [by], [list(values)])

    view.answers.load(await read(tables.ANSWERS, "key", keys))
    view.updates.load(await read(tables.UPDATES, "id", _all(need.updates for need in needs)))
    orphans = _all(need.orphans for need in needs)
    nodes, names = [node for node, _ in orphans], [name for _, name in orphans]
    view.orphans.load(await _read(connection, tables.ORPHANS, ["node", "name"], [nodes, names]))
    outbox = await read(tables.OUTBOX, "id", _all(need.outbox for need in needs))
    named = await read(tables.SUBSCRIPTIONS, "id", _all(need.subscriptions for need in needs))
    invited_by = await read(tables.USERS, "referral_code", codes)

    payments = await _payments(connection, needs)
    of = [payment.id for payment in payments]
    reviews = await read(tables.REVIEWS, "payment_id", of)
    rewards = await read(tables.REWARDS, "payment_id", of)
    view.refunds.load(await read(tables.REFUNDS, "payment_id", of))
    numbers = {*_all(need.purchases for need in needs), *_some(payments, lambda row: row.purchase_id)}
    numbers.update(_some(reviews, lambda row: row.purchase_id))
    purchases = await read(tables.PURCHASES, "id", sorted(numbers))
    gifts = await read(tables.GIFTS, "code", {*codes, *_some(purchases, lambda row: row.gift_code)})

    people = {*_all(need.users for need in needs)}
    people.update(row.user_id for row in purchases)
    people.update(row.user_id for row in named)
    people.update(row.user_id for row in rewards)
    people.update(row.chat_id for row in outbox)
    people.update(row.id for row in invited_by)
    people.update(_some(payments, lambda row: row.user_id))
    people.update(_some(reviews, lambda row: row.user_id))
    people.update(_some(gifts, lambda row: row.redeemed_by))
    if any(need.inviters for need in needs):
        people.update(await _inviters(connection, sorted(people)))
    users = await read(tables.USERS, "id", sorted(people))

    known = {row.id for row in purchases}
    further = {*_some(users, lambda row: row.promo_purchase), *(row.purchase_id for row in gifts)} - known
    purchases += await read(tables.PURCHASES, "id", sorted(further))
    await _read_promos(connection, view, codes, users, purchases)

    everybody = [SHOP, *sorted(people)] if people or any(need.charges for need in needs) else []
    view.accounts.load(await read(tables.ACCOUNTS, "owner", everybody))
    subscriptions = await read(tables.SUBSCRIPTIONS, "user_id", sorted(people))
    theirs = [row.id for row in subscriptions]
    view.grants.load(await read(tables.GRANTS, "subscription_id", theirs))
    view.provisions.load(await read(tables.PROVISIONS, "subscription_id", theirs))

    view.outbox.load(outbox)
    view.payments.load(payments)
    view.reviews.load(reviews)
    view.rewards.load(rewards)
    view.purchases.load(purchases)
    view.gifts.load(gifts)
    view.users.load(users)
    view.subscriptions.load(subscriptions)
    found.owners = {row.id: row.user_id for row in subscriptions}
    found.charges = {row.id: (row.provider, row.charge_id) for row in payments}
    found.inviters = {row.referral_code: row.id for row in invited_by if row.referral_code}
    return found


async def _payments(connection: TrioConnection, needs: Sequence[Any]) -> list[Payment]:
    charges = {charge for need in needs for charge in need.charges}
    providers, names = [str(provider) for provider, _ in charges], [name for _, name in charges]
    by_charge = await _read(connection, tables.PAYMENTS, ["provider", "charge_id"], [providers, names])
    numbers = set(_all(need.payments for need in needs)) - {row.id for row in by_charge}
    return by_charge + await _read(connection, tables.PAYMENTS, ["id"], [sorted(numbers)])


async def _inviters(connection: TrioConnection, users: list[int]) -> list[int]:
    if not users:
        return []
    cursor = await connection.execute(_INVITERS, [users, LEVELS_MAX], prepare=True)
    return [int(row[0]) for row in await cursor.fetchall()]


async def _read_promos(
    connection: TrioConnection,
    view: View,
    codes: Iterable[str],
    users: Sequence[User],
    purchases: Sequence[Purchase],
) -> None:
    """The codes that are entered, chosen or held, and how often these users have taken them."""
    wanted = {
        *codes,
        *_some(users, lambda row: row.promo_code),
        *_some(purchases, lambda row: row.promo_code),
    }
    promos = await _read(connection, tables.PROMOS, ["code"], [sorted(wanted)])
    view.promos.load(promos)
    pairs = sorted((promo.code, user.id) for promo in promos for user in users)
    columns: list[list[object]] = [[code for code, _ in pairs], [user for _, user in pairs]]
    view.promo_uses.load(await _read(connection, tables.PROMO_USES, ["code", "user_id"], columns))


def _all(groups: Iterable[tuple[Any, ...]]) -> list[Any]:
    return sorted({each for group in groups for each in group})


def _some(rows: Iterable[E], of: Callable[[E], Any]) -> set[Any]:
    """What rows have in a column that may be empty."""
    return {value for row in rows if (value := of(row)) is not None}


async def _read(
    connection: TrioConnection, table: Table[E], by: Sequence[str], arrays: Sequence[Sequence[object]]
) -> list[E]:
    if not arrays[0]:
        return []
    cursor = await connection.execute(table.select(by), [list(array) for array in arrays], prepare=True)
    return [table.read(row) for row in await cursor.fetchall()]
