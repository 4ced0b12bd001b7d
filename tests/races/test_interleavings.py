"""Ten thousand random interleavings of all that decides and carries out access around the end of paid time.

    ./run test tests/races/test_interleavings.py --campaign 10

The writer's decisions are the real ones. `test_real_races.py` has the same on PostgreSQL and Xray.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from random import Random
from uuid import UUID

import pytest

from domain.commands import Person
from domain.entities import Grant, Subscription, SubscriptionStatus
from domain.messages import AccessReady
from tests.domain.memory import Shop
from tests.races import model
from tests.races.model import MILLISECOND, Node, Schedule, Turns, subscriptions
from tests.storage.shop import CATALOGUE

#: In each, five people renew a plan, five buy in a trial, and five take another key: 10,000 of each kind.
RACES = 2_000

ACTORS = ("fast_expiry", "trial_expiry", "auto_renewal", "one", "two", "one/comparison", "two/comparison")


def _people(numbers: Iterator[int], many: int) -> list[Person]:
    return [Person(next(numbers), "Somebody") for _ in range(many)]


_numbers = count(1)
RENEW, IN_TRIAL, REISSUE = _people(_numbers, 5), _people(_numbers, 5), _people(_numbers, 5)
NEVER_PAYS, TRIES_ONLY, REISSUES_ONLY, COMES_NEW = _people(_numbers, 4)
PAY = {person.id for person in (*RENEW, *IN_TRIAL, *REISSUE, COMES_NEW)}
REISSUED = {person.id for person in (*REISSUE, REISSUES_ONLY)}

#: When people act, from the end of what they had.
MOMENTS = (-MILLISECOND, timedelta(0), MILLISECOND)


class Race:
    """One interleaving, from two milliseconds before the end to when everything has come to rest."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        grace = self.random.choice([timedelta(0), timedelta(0), 2 * MILLISECOND])
        self.shop = Shop(catalogue=replace(CATALOGUE, grace=grace))
        self.nodes = [Node("one"), Node("two")]
        self.schedule = Schedule(self.random, self.check)
        self.keys: dict[int, UUID] = {}
        self.version_when_paid: dict[int, int] = {}
        #: What the people waited for: each version of a grant with which a node had somebody.
        self.activated: set[tuple[int, int, UUID]] = set()
        self._checked: tuple[int, ...] = ()

    def run(self) -> None:
        """Set the stage, race, wait for the rest, and look at what came of it."""
        self._set_the_stage()
        end = self._end_of(NEVER_PAYS)
        self.shop.now = end - 2 * MILLISECOND
        self._start_actors()
        waiting = list(self._acts())
        while self.shop.now < end + 3 * MILLISECOND:
            for act in [each for each in waiting if self.shop.now >= end + each[0]]:
                waiting.remove(act)
                self.schedule.start(act[1], act[2])
            self.schedule.run(self.random.randint(1, 12))
            self._something_breaks()
            self.shop.now += self.random.choice([timedelta(0), MILLISECOND])
        for _ in range(80):
            self.schedule.run(20)
            if self._at_rest():
                break
        self._settled()

    def check(self) -> None:
        """What holds after every turn: whoever a node has confirmed, and is to be there, can connect to it."""
        as_of = (self.shop.written, *(node.changes for node in self.nodes))
        if as_of != self._checked:
            self._checked = as_of
            for each in subscriptions(self.shop):
                grant = self.shop.rows.grants.get(each.id)
                assert grant is not None
                self._check_one(each, grant)

    def _check_one(self, each: Subscription, grant: Grant) -> None:
        ended = each.status is SubscriptionStatus.EXPIRED
        assert grant.present is not ended
        assert not ended or each.expires_at <= self.shop.now, "ended although it goes on"
        assert not (each.trial and each.item), "a trial over what was paid for"
        for node in self.nodes:
            known = self.shop.rows.provisions.get((each.id, node.name))
            if grant.present and known is not None and known.version == grant.version:
                assert grant.uuid in node.lets_in or node.run, "cut without a word"
                if not grant.grace:
                    self.activated.add((each.id, grant.version, grant.uuid))
        if each.periods > 1 and each.user_id not in REISSUED:
            since = self.version_when_paid.setdefault(each.user_id, grant.version)
            assert grant.version == since, "ended although it was paid for"

    def _set_the_stage(self) -> None:
        for each in (*RENEW, *REISSUE, NEVER_PAYS, REISSUES_ONLY):
            model.finish(model.buying(self.shop, each))
        self.shop.now += timedelta(days=27)
        for each in (*IN_TRIAL, TRIES_ONLY):
            model.finish(model.trying(self.shop, each))
        before = subscriptions(self.shop)
        for node in self.nodes:
            turns = model.changes(self.shop, node)
            while len(node.users) < len(before) or not self._has_confirmed(node):
                next(turns)
        self.keys = {each.user_id: each.uuid for each in before}
        self.check()

    def _start_actors(self) -> None:
        shop = self.shop
        makers: list[Callable[[], Turns]] = [
            partial(model.expiry, shop, trials=False),
            partial(model.expiry, shop, trials=True),
            partial(model.renewing, shop),
            *(partial(model.changes, shop, node) for node in self.nodes),
            *(partial(model.comparison, shop, node) for node in self.nodes),
        ]
        for name, make in zip(ACTORS, makers, strict=True):
            self.schedule.start(name, make)

    def _acts(self) -> Iterator[tuple[timedelta, str, Callable[[], Turns]]]:
        """What people do, and when: paying, taking another key, or both at moments that may be the same."""
        for person in (*RENEW, *IN_TRIAL, *REISSUE, COMES_NEW):
            moment = self.random.choice(MOMENTS)
            yield moment, f"buy {person.id}", partial(model.buying, self.shop, person)
        for person in (*REISSUE, REISSUES_ONLY):
            moment = self.random.choice(MOMENTS)
            yield moment, f"reissue {person.id}", partial(model.reissuing, self.shop, person)

    def _something_breaks(self) -> None:
        if self.random.random() < 0.1:
            self.schedule.crash(self.random.choice(ACTORS))
        if self.random.random() < 0.05:
            self.random.choice(self.nodes).restart()

    def _end_of(self, person: Person) -> datetime:
        found = self.shop.rows.subscriptions.get(person.id)
        assert found is not None
        return found.expires_at

    def _at_rest(self) -> bool:
        """Whether nothing is due, and every node has confirmed and has what it should."""
        if self.schedule.has("buy", "reissue"):
            return False
        over = [each for each in subscriptions(self.shop) if each.expires_at <= self.shop.now]
        return all(each.status is SubscriptionStatus.EXPIRED for each in over) and all(
            node.lets_in == self._wanted() and self._has_confirmed(node) for node in self.nodes
        )

    def _has_confirmed(self, node: Node) -> bool:
        return all(model.confirmed(self.shop, node, grant) for grant in model.grants(self.shop))

    def _wanted(self) -> set[UUID]:
        return {
            each.uuid for each in subscriptions(self.shop) if each.status is not SubscriptionStatus.EXPIRED
        }

    def _settled(self) -> None:
        for each in subscriptions(self.shop):
            paid, reissued = each.user_id in PAY, each.user_id in REISSUED
            assert each.status is (SubscriptionStatus.ACTIVE if paid else SubscriptionStatus.EXPIRED)
            assert (each.expires_at > self.shop.now) is paid
            assert (each.uuid == self.keys.get(each.user_id, each.uuid)) is not reissued, "one UUID for life"
            assert each.generation == int(reissued)
        for node in self.nodes:
            expected = {each.uuid for each in subscriptions(self.shop) if each.user_id in PAY}
            assert node.lets_in == expected, "paid is cut, or unpaid is kept"
            assert Counter(node.users.values()) == Counter(expected)
        ready = Counter(each.uuid for each in self.shop.told() if isinstance(each, AccessReady))
        assert ready == Counter(str(uuid) for _, _, uuid in self.activated), "told twice or not at all"


@pytest.mark.requirement("U1", "U2", "U9", "U10", "R1", "R3", "R4", "R5", "R9", "I5")
def test_around_the_last_millisecond_who_paid_is_never_cut_and_who_did_not_is_never_kept(
    campaign: int,
) -> None:
    for seed in range(RACES * campaign):
        race = Race(seed)
        try:
            race.run()
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
