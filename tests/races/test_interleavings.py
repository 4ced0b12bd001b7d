"""Ten thousand random interleavings of all that decides and carries out access around the end of paid time.

    ./run test tests/races/test_interleavings.py --campaign 10

The writer's decisions are the real ones. `test_real_races.py` has the same on PostgreSQL and Xray.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from random import Random
from uuid import UUID

import pytest

from domain.commands import Person
from domain.entities import SubscriptionStatus
from domain.messages import AccessReady
from tests.domain.memory import Shop
from tests.races import model
from tests.races.model import MILLISECOND, Node, Schedule, subscriptions
from tests.storage.shop import CATALOGUE

#: Five people renew in each, so these are 10,000 interleavings of a renewal with an end.
RACES = 2_000

PAYS_BEFORE, PAYS_AT, PAYS_AFTER, NEVER_PAYS, HAS_A_TRIAL, REISSUES = people = [
    Person(number, "Somebody") for number in range(1, 7)
]
#: When each pays, from the end of what they had.
PAYMENTS = {PAYS_BEFORE: -MILLISECOND, PAYS_AT: timedelta(0), PAYS_AFTER: MILLISECOND}


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

    def run(self) -> None:
        """Set the stage, race, wait for the rest, and look at what came of it."""
        self._set_the_stage()
        end = self._end_of(NEVER_PAYS)
        self.shop.now = end - 2 * MILLISECOND
        self._start_actors()
        waiting = dict(PAYMENTS)
        late = self.random.choice([-MILLISECOND, timedelta(0), MILLISECOND])
        others: list[tuple[timedelta, str, Callable[[], model.Turns]]] = [
            (late, "buy in the trial", partial(model.buying, self.shop, HAS_A_TRIAL)),
            (late, "reissue", partial(model.reissuing, self.shop, REISSUES)),
            (-late, "buy with the reissue", partial(model.buying, self.shop, REISSUES)),
        ]
        for each, after in waiting.items():
            others.append((after, f"buy {each.id}", partial(model.buying, self.shop, each)))
        while self.shop.now < end + 3 * MILLISECOND:
            for turn in [each for each in others if self.shop.now >= end + each[0]]:
                others.remove(turn)
                self.schedule.start(turn[1], turn[2])
            self.schedule.run(self.random.randint(1, 12))
            self._something_breaks()
            self.shop.now += self.random.choice([timedelta(0), MILLISECOND])
        for _ in range(40):
            self.schedule.run(20)
            if self._at_rest():
                break
        self._settled()

    def check(self) -> None:
        """What holds after every turn: whoever a node has confirmed, and is to be there, can connect to it."""
        shop = self.shop
        for each in subscriptions(shop):
            grant = shop.rows.grants.get(each.id)
            assert grant is not None
            assert grant.present is (each.status is not SubscriptionStatus.EXPIRED)
            if each.status is SubscriptionStatus.EXPIRED:
                assert each.expires_at <= shop.now, "ended although it goes on"
            assert not (each.trial and each.item), "a trial over what was paid for"
            for node in self.nodes:
                known = shop.rows.provisions.get((each.id, node.name))
                if grant.present and known is not None and known.version == grant.version:
                    assert grant.uuid in node.lets_in or node.run != self.runs[node.name], (
                        "cut without a word"
                    )
            if each.periods > 1 and each.user_id != REISSUES.id:
                since = self.version_when_paid.setdefault(each.user_id, grant.version)
                assert grant.version == since, "ended although it was paid for"

    def _set_the_stage(self) -> None:
        self.runs = {node.name: node.run for node in self.nodes}
        for each in (PAYS_BEFORE, PAYS_AT, PAYS_AFTER, NEVER_PAYS, REISSUES):
            model.finish(model.buying(self.shop, each))
        self.shop.now += timedelta(days=27)
        model.finish(model.trying(self.shop, HAS_A_TRIAL))
        for node in self.nodes:
            turns = model.changes(self.shop, node)
            for _ in range(40):
                next(turns)
        assert all(len(node.users) == len(people) for node in self.nodes)
        self.keys = {each.user_id: each.uuid for each in subscriptions(self.shop)}

    def _start_actors(self) -> None:
        start, shop = self.schedule.start, self.shop
        start("fast_expiry", partial(model.expiry, shop, trials=False))
        start("trial_expiry", partial(model.expiry, shop, trials=True))
        start("auto_renewal", partial(model.renewing, shop))
        for node in self.nodes:
            start(node.name, partial(model.changes, shop, node))
            start(f"{node.name}/comparison", partial(model.comparison, shop, node))

    def _something_breaks(self) -> None:
        if self.random.random() < 0.1:
            self.schedule.crash(self.random.choice(["fast_expiry", "trial_expiry", "one", "two"]))
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
        return all(each.status == "expired" for each in over) and all(
            node.lets_in == {each.uuid for each in subscriptions(self.shop) if each.status != "expired"}
            and all(model.confirmed(self.shop, node, grant) for grant in model.grants(self.shop))
            for node in self.nodes
        )

    def _settled(self) -> None:
        for each in subscriptions(self.shop):
            paid = each.user_id != NEVER_PAYS.id
            assert each.status is (SubscriptionStatus.ACTIVE if paid else SubscriptionStatus.EXPIRED)
            assert (each.expires_at > self.shop.now) is paid
            reissued = each.user_id == REISSUES.id
            assert (each.uuid == self.keys[each.user_id]) is not reissued, "one UUID for life"
            assert each.generation == int(reissued)
        for node in self.nodes:
            expected = {each.uuid for each in subscriptions(self.shop) if each.user_id != NEVER_PAYS.id}
            assert node.lets_in == expected, "paid is cut, or unpaid is kept"
            assert set(node.users.values()) == expected
        ready = [each.uuid for each in self.shop.told() if isinstance(each, AccessReady)]
        assert set(ready) == {str(uuid) for uuid in self.keys.values()} | {
            str(each.uuid) for each in subscriptions(self.shop)
        }


@pytest.mark.requirement("U1", "U2", "U9", "U10", "R1", "R3", "R5", "R9", "I5")
def test_around_the_last_millisecond_who_paid_is_never_cut_and_who_did_not_is_never_kept(
    campaign: int,
) -> None:
    for seed in range(RACES * campaign):
        race = Race(seed)
        try:
            race.run()
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
