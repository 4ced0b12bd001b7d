"""Reading all that a batch of commands will need, in a few round trips, before anything is decided.

What commands name comes first, then what that belongs to, then the people, then what is theirs. Each is one round trip,
and none where there is nothing to ask: most batches take four.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Final, TypeVar

from domain.commands import Command, Needs
from domain.draft import ChargeKey, View
from domain.entities import SHOP, Gift, Payment, Purchase, Refund, Review, Reward, User
from domain.referrals import LEVELS_MAX
from storage import tables
from storage.arrays import array
from storage.connection import TrioConnection
from storage.round_trip import RoundTrip, round_trip

E = TypeVar("E")

#: Some users, and everybody above them in the order of invitations, as far up as a purchase rewards.
_WITH_INVITERS: Final = tables.USERS.select_where(
    """
    users.id IN (
        WITH RECURSIVE above AS (
            SELECT unnest(%s::bigint[]) AS id, 0 AS level
            UNION
            SELECT u.referrer_id, level + 1 FROM above JOIN users u ON u.id = above.id
            WHERE u.referrer_id IS NOT NULL AND level < %s
        )
        SELECT id FROM above
    )
    """
)


#: Any command may be about something that is switched off; there are only a few rows.
_SWITCHES: Final = tables.SWITCHES.select_where("true")


@dataclass(slots=True)
class Prefetched:
    """The view, with what its rows are called by: a subscription's user, a payment's charge, an invitation's user."""

    view: View = field(default_factory=View)
    owners: dict[int, int] = field(default_factory=dict)
    charges: dict[int, ChargeKey] = field(default_factory=dict)
    inviters: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Sales:
    """What was bought and paid, as far as the commands name it or it belongs to what they name."""

    payments: list[Payment] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    rewards: list[Reward] = field(default_factory=list)
    purchases: list[Purchase] = field(default_factory=list)
    gifts: list[Gift] = field(default_factory=list)


async def prefetch(connection: TrioConnection, commands: Sequence[Command[Any]]) -> Prefetched:
    """Read the rows that the commands name, then what these belong to, then the rows of every user among them."""
    found = Prefetched()
    view, needs = found.view, [command.needs() for command in commands]
    keys = [key for command in commands if (key := command.key()) is not None]
    codes = _all(need.codes for need in needs)
    charges = {charge for need in needs for charge in need.charges}

    async with round_trip(connection) as trip:
        answers = trip.read(tables.ANSWERS, "key", keys)
        updates = trip.read(tables.UPDATES, "id", _all(need.updates for need in needs))
        marks = trip.read(tables.NOTICE_MARKS, "name", _all(need.marks for need in needs))
        switches = trip.ask(_SWITCHES, [], tables.SWITCHES)
        outbox = trip.read(tables.OUTBOX, "id", _all(need.outbox for need in needs))
        orphans = trip.read(tables.ORPHANS, ("node", "name"), *_columns(need.orphans for need in needs))
        runs = trip.read(tables.NODE_RUNS, ("node", "epoch"), *_columns(need.runs for need in needs))
        node_usage = trip.read(
            tables.NODE_USAGE, ("subscription_id", "node"), *_columns(need.usage for need in needs)
        )
        named = trip.read(tables.SUBSCRIPTIONS, "id", _all(need.subscriptions for need in needs))
        invited_by = trip.read(tables.USERS, "referral_code", codes)
        by_charge = trip.read(
            tables.PAYMENTS, ("provider", "charge_id"), [p for p, _ in charges], [c for _, c in charges]
        )
        by_number = trip.read(tables.PAYMENTS, "id", _all(need.payments for need in needs))
        sales = _Sales(
            purchases=trip.read(tables.PURCHASES, "id", _all(need.purchases for need in needs)),
            gifts=trip.read(tables.GIFTS, "code", codes),
        )
    sales.payments = list({row.id: row for row in (*by_charge, *by_number)}.values())
    await _follow(connection, sales)

    people = {*_all(need.users for need in needs)}
    people.update(row.user_id for row in sales.purchases)
    people.update(row.user_id for row in sales.rewards)
    people.update(row.user_id for row in named)
    people.update(row.chat_id for row in outbox)
    people.update(row.id for row in invited_by)
    people.update(_some(sales.payments, lambda row: row.user_id))
    people.update(_some(sales.reviews, lambda row: row.user_id))
    people.update(_some(sales.gifts, lambda row: row.redeemed_by))
    broadcast_ids = {*_all(need.broadcasts for need in needs), *_some(outbox, lambda row: row.broadcast_id)}
    async with round_trip(connection) as trip:
        broadcasts = trip.read(tables.BROADCASTS, "id", sorted(broadcast_ids))
        users = _read_users(trip, people, any(need.inviters for need in needs))

    everybody = sorted({*people, *(row.id for row in users)})
    known = {row.id for row in sales.purchases}
    further = {*_some(users, lambda row: row.promo_purchase), *(row.purchase_id for row in sales.gifts)}
    async with round_trip(connection) as trip:
        accounts = trip.read(tables.ACCOUNTS, "owner", [SHOP, *everybody] if everybody or charges else [])
        subscriptions = trip.read(tables.SUBSCRIPTIONS, "user_id", everybody)
        more = trip.read(tables.PURCHASES, "id", sorted(further - known))
    sales.purchases += more

    theirs = [row.id for row in subscriptions]
    uses = _uses(needs, users, sales.purchases)
    async with round_trip(connection) as trip:
        grants = trip.read(tables.GRANTS, "subscription_id", theirs)
        usage = trip.read(tables.USAGE, "subscription_id", theirs)
        provisions = trip.read(tables.PROVISIONS, "subscription_id", theirs)
        promos = trip.read(tables.PROMOS, "code", sorted({*codes, *(code for code, _ in uses)}))
        promo_uses = trip.read(
            tables.PROMO_USES, ("code", "user_id"), [code for code, _ in uses], [user for _, user in uses]
        )

    view.answers.load(answers)
    view.updates.load(updates)
    view.orphans.load(orphans)
    view.node_runs.load(runs)
    view.node_usage.load(node_usage)
    view.usage.load(usage)
    view.broadcasts.load(broadcasts)
    view.outbox.load(outbox)
    view.switches.load(switches)
    view.notice_marks.load(marks)
    view.payments.load(sales.payments)
    view.reviews.load(sales.reviews)
    view.refunds.load(sales.refunds)
    view.rewards.load(sales.rewards)
    view.purchases.load(sales.purchases)
    view.gifts.load(sales.gifts)
    view.users.load(users)
    view.accounts.load(accounts)
    view.subscriptions.load(subscriptions)
    view.grants.load(grants)
    view.provisions.load(provisions)
    view.promos.load(promos)
    view.promo_uses.load(promo_uses)
    found.owners = {row.id: row.user_id for row in subscriptions}
    found.charges = {row.id: (row.provider, row.charge_id) for row in sales.payments}
    found.inviters = {row.referral_code: row.id for row in invited_by if row.referral_code}
    return found


async def _follow(connection: TrioConnection, sales: _Sales) -> None:
    """Add what the payments, purchases and reviews belong to; mostly there is nothing."""
    of = [payment.id for payment in sales.payments]
    async with round_trip(connection) as trip:
        sales.reviews = trip.read(tables.REVIEWS, "payment_id", of)
        sales.refunds = trip.read(tables.REFUNDS, "payment_id", of)
        sales.rewards = trip.read(tables.REWARDS, "payment_id", of)
        paid = trip.read(tables.PURCHASES, "id", _missing(sales, sales.payments))
    sales.purchases += paid
    async with round_trip(connection) as trip:
        granted = trip.read(tables.PURCHASES, "id", _missing(sales, sales.reviews))
    sales.purchases += granted
    wrapped = _some(sales.purchases, lambda row: row.gift_code) - {gift.code for gift in sales.gifts}
    async with round_trip(connection) as trip:
        gifts = trip.read(tables.GIFTS, "code", wrapped)
    sales.gifts += gifts


def _missing(sales: _Sales, rows: Iterable[Payment | Review]) -> list[int]:
    """The purchases that these rows name and that were not read yet."""
    return sorted(_some(rows, lambda row: row.purchase_id) - {row.id for row in sales.purchases})


def _read_users(trip: RoundTrip, people: set[int], inviters: bool) -> list[User]:
    if not people or not inviters:
        return trip.read(tables.USERS, "id", sorted(people))
    return trip.ask(_WITH_INVITERS, [array("bigint", sorted(people)), LEVELS_MAX], tables.USERS)


def _uses(
    needs: Sequence[Needs], users: Iterable[User], purchases: Iterable[Purchase]
) -> list[tuple[str, int]]:
    """Whose uses of which promo codes count: of codes that are entered now, chosen, or on an invoice."""
    uses = {pair for need in needs for pair in product(need.codes, need.users)}
    uses.update((user.promo_code, user.id) for user in users if user.promo_code is not None)
    uses.update((each.promo_code, each.user_id) for each in purchases if each.promo_code is not None)
    return sorted(uses)


def _all(groups: Iterable[tuple[Any, ...]]) -> list[Any]:
    return sorted({each for group in groups for each in group})


def _columns(groups: Iterable[tuple[tuple[Any, Any], ...]]) -> tuple[list[Any], list[Any]]:
    """The pairs of all groups as two columns."""
    pairs = _all(groups)
    return [one for one, _ in pairs], [other for _, other in pairs]


def _some(rows: Iterable[E], of: Callable[[E], Any]) -> set[Any]:
    """What rows have in a column that may be empty."""
    return {value for row in rows if (value := of(row)) is not None}
