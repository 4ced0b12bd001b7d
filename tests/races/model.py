"""A shop whose actors take turns as chance wants it: the writer's decisions are the real ones, the rest is a model.

Each actor is a generator that gives way wherever the real one waits: after each read, each command, each call to a
node. A seeded scheduler picks who goes on, so a run can be repeated by its number. Actors and nodes may crash anywhere.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from uuid import UUID

from domain.commands import (
    AutoRenew,
    Confirmation,
    ConfirmProvisions,
    ExpireSubscriptions,
    FinalizePayment,
    Person,
    Reissue,
    StartPurchase,
    StartTrial,
)
from domain.entities import Grant, Provider, Subscription
from domain.names import Had, change_on_node, name_on_node
from domain.reconciliation import Differences, Known
from tests.domain.memory import Shop

Turns = Generator[None, None, None]
MILLISECOND = timedelta(milliseconds=1)


@dataclass(slots=True)
class Node:
    """An Xray: users by name, and the UUIDs that it lets in; removing a name takes its UUID, whoever else has it."""

    name: str
    users: dict[str, UUID] = field(default_factory=dict)
    lets_in: set[UUID] = field(default_factory=set)
    run: int = 0
    #: How many changes of it there were.
    changes: int = 0
    #: Pages that comparisons found, to be looked at again in the turn of the node's actor.
    to_heal: list[tuple[list[int], dict[str, UUID]]] = field(default_factory=list)

    def ensure(self, name: str, uuid: UUID) -> None:
        """As the driver does it."""
        if self.users.get(name) == uuid:
            return
        if name in self.users:
            self.drop(name)
        self.changes += 1
        self.users[name] = uuid
        self.lets_in.add(uuid)

    def drop(self, name: str) -> None:
        """As the driver does it."""
        self.changes += 1
        uuid = self.users.pop(name, None)
        if uuid is not None:
            self.lets_in.discard(uuid)

    def restart(self) -> None:
        """It loses all of its users."""
        self.users, self.lets_in, self.run, self.changes = {}, set(), self.run + 1, self.changes + 1


def expiry(shop: Shop, *, trials: bool) -> Turns:
    """`fast_expiry` or `trial_expiry`: names who is due as it reads it, and has them ended later."""
    while True:
        due = [
            each.id for each in subscriptions(shop) if each.trial is trials and each.expires_at <= shop.now
        ]
        yield
        if due:
            shop.do(ExpireSubscriptions(tuple(due), trials=trials))
        yield


def changes(shop: Shop, node: Node) -> Turns:
    """The actor of a node: brings it what it has not confirmed, a user at a time, then has it recorded."""
    cursor = 0
    while True:
        page = [each for each in grants(shop) if each.change > cursor and not confirmed(shop, node, each)]
        newest = max((each.change for each in grants(shop)), default=0)
        yield
        done = []
        for grant in page:
            known = shop.rows.provisions.get((grant.subscription_id, node.name))
            had = None if known is None else Had(known.version, known.present, known.generation, known.grace)
            steps = change_on_node(
                grant.subscription_id, grant.version, grant.present, grant.generation, grant.grace, had
            )
            for name in steps.before:
                node.drop(name)
                yield
            if steps.wanted is not None:
                node.ensure(steps.wanted, grant.uuid)
                yield
            for name in steps.afterwards:
                node.drop(name)
                yield
            done.append(
                Confirmation(
                    grant.subscription_id, grant.version, grant.present, grant.generation, grant.grace
                )
            )
        if done:
            shop.do(ConfirmProvisions(node.name, tuple(done)))
            yield
        cursor = newest
        while node.to_heal:
            yield from _heal(shop, node, *node.to_heal[0])
            node.to_heal.clear()


def _heal(shop: Shop, node: Node, missing: list[int], orphans: dict[str, UUID]) -> Turns:
    wishes = {grant.subscription_id: grant for grant in grants(shop)}
    yield
    for number in missing:
        grant = wishes[number]
        if grant.present:
            node.drop(name_on_node(number, grant.generation, grace=not grant.grace))
            yield
            node.ensure(_name(grant), grant.uuid)
            yield
    wanted = {grant.uuid for grant in wishes.values() if grant.present}
    for name, uuid in orphans.items():
        if uuid not in wanted:
            node.drop(name)
            yield


def comparison(shop: Shop, node: Node) -> Turns:
    """The reconciler and the node's own look after a restart: lists, reads, and hands over what differs."""
    while True:
        found = Differences()
        found.list(node.users.items())
        yield
        found.compare(
            Known(
                each.subscription_id,
                each.uuid,
                each.present,
                not confirmed(shop, node, each),
                each.generation,
                each.grace,
            )
            for each in grants(shop)
            if each.present or not confirmed(shop, node, each)
        )
        yield
        if found.missing or found.orphans:
            node.to_heal.append((found.missing, found.orphans))
        while node.to_heal:
            yield
        yield


def buying(shop: Shop, person: Person) -> Turns:
    """From the button to the payment."""
    started = shop.do(StartPurchase(shop.update(person), person, "plan:month", Provider.STARS))
    assert started is not None
    yield
    shop.do(
        FinalizePayment(
            provider=Provider.STARS,
            charge_id=f"charge-{started.purchase_id}",
            amount=started.price,
            purchase_id=started.purchase_id,
            payer=person.id,
        )
    )
    yield


def trying(shop: Shop, person: Person) -> Turns:
    """A trial."""
    shop.do(StartTrial(shop.update(person), person))
    yield


def reissuing(shop: Shop, person: Person) -> Turns:
    """Another key."""
    shop.do(Reissue(shop.update(person), person))
    yield


def renewing(shop: Shop) -> Turns:
    """`auto_renewal`: tries everybody, as it reads them."""
    while True:
        for each in subscriptions(shop):
            shop.do(AutoRenew(each.id))
            yield
        yield


def finish(turns: Turns) -> None:
    """Take all turns at once."""
    for _ in turns:
        pass


class Schedule:
    """Who goes on next, by chance; whoever has come to their end is left out."""

    def __init__(self, random: Random, check: Callable[[], None]) -> None:
        self._random = random
        self._check = check
        self._running: dict[str, tuple[Callable[[], Turns], Turns]] = {}

    def start(self, name: str, make: Callable[[], Turns]) -> None:
        """Let an actor take part; started again, it has crashed where it was and begins anew."""
        self._running[name] = (make, make())

    def crash(self, name: str) -> None:
        """Begin anew from where nothing is remembered."""
        self.start(name, self._running[name][0])

    def has(self, *words: str) -> bool:
        """Whether an actor still takes turns whose name begins with one of these."""
        return any(name.startswith(words) for name in self._running)

    def run(self, turns: int) -> None:
        """So many turns, with a look at all that must hold after each."""
        for _ in range(turns):
            name = self._random.choice(list(self._running))
            if next(self._running[name][1], self) is self:
                del self._running[name]
            self._check()


def subscriptions(shop: Shop) -> list[Subscription]:
    """All of them."""
    return list(shop.rows.subscriptions.changed.values())


def grants(shop: Shop) -> list[Grant]:
    """All of them, in the order in which they were decided."""
    return sorted(shop.rows.grants.changed.values(), key=lambda grant: grant.change)


def confirmed(shop: Shop, node: Node, grant: Grant) -> bool:
    """Whether the node has confirmed the grant as it is."""
    known = shop.rows.provisions.get((grant.subscription_id, node.name))
    return known is not None and known.version == grant.version


def _name(grant: Grant) -> str:
    return name_on_node(grant.subscription_id, grant.generation, grace=grant.grace)
