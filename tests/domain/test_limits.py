"""Traffic that runs out: told in time and once, access stops, and goes on with the next purchase."""

import random
from dataclasses import replace
from datetime import timedelta

from domain.catalogue import Catalogue
from domain.commands import (
    ExpireSubscriptions,
    FinalizePayment,
    GiveTraffic,
    GrantTime,
    Person,
    Reading,
    RecordRefund,
    RecordUsage,
    StartPurchase,
    StartTrial,
    Verdict,
)
from domain.entities import Provider, Stop, Subscription
from domain.messages import AnyMessage, TrafficRunsOut, TrafficUsedUp
from domain.money import Money
from tests.domain.memory import Shop
from tests.storage.shop import ALICE, CATALOGUE, DAY

TRAFFIC = 1000
LIMITED = replace(
    CATALOGUE,
    plans={
        "month": replace(CATALOGUE.plans["month"], traffic=TRAFFIC, devices=3),
        "year": CATALOGUE.plans["year"],
    },
    trial=replace(CATALOGUE.trial, traffic=100) if CATALOGUE.trial else None,
)


class Customer:
    """Alice, who buys plans and moves bytes on one node."""

    def __init__(self, catalogue: Catalogue = LIMITED) -> None:
        self.shop = Shop(catalogue=catalogue)
        self.moved = 0
        self._charges = 0

    def buy(self, plan: str = "month", person: Person = ALICE) -> str:
        started = self.shop.do(
            StartPurchase(self.shop.update(person), person, f"plan:{plan}", Provider.STARS)
        )
        assert started is not None
        self._charges += 1
        charge = f"charge {self._charges}"
        self.shop.do(
            FinalizePayment(
                provider=Provider.STARS,
                charge_id=charge,
                amount=started.price,
                purchase_id=started.purchase_id,
                payer=person.id,
            )
        )
        return charge

    def move(self, count: int) -> None:
        self.moved += count
        self.shop.do(
            RecordUsage("home", "a run", (Reading(1, self.moved // 3, self.moved - self.moved // 3),))
        )

    @property
    def subscription(self) -> Subscription:
        found = self.shop.rows.subscriptions.get(ALICE.id)
        assert found is not None
        return found

    def is_on_nodes(self) -> bool:
        grant = self.shop.rows.grants.get(1)
        assert grant is not None
        assert (grant.present, grant.grace) == (self.subscription.on_nodes, self.subscription.in_grace)
        return grant.present

    @property
    def told(self) -> list[AnyMessage]:
        return [each for each in self.shop.told() if isinstance(each, TrafficRunsOut | TrafficUsedUp)]


def test_people_are_told_when_most_is_used_and_when_all_is_and_then_access_stops() -> None:
    alice = Customer()
    alice.buy()
    alice.move(799)
    assert (alice.told, alice.is_on_nodes()) == ([], True)
    alice.move(1)
    price = CATALOGUE.plans["month"].price
    warning = TrafficRunsOut(title="1 month", used=800, traffic=TRAFFIC, price=price, period=1)
    assert alice.told == [warning]
    alice.move(199)
    assert (alice.told, alice.is_on_nodes()) == ([warning], True)
    alice.move(1)
    ends_at = alice.subscription.expires_at
    stop = TrafficUsedUp(title="1 month", traffic=TRAFFIC, expires_at=ends_at, price=price, period=1)
    assert (alice.told, alice.is_on_nodes()) == ([warning, stop], False)
    alice.move(5000)
    assert alice.told == [warning, stop], "told once, whatever was still on its way"


def test_who_goes_past_both_marks_at_once_is_told_of_the_end_only() -> None:
    alice = Customer()
    alice.buy()
    alice.move(2 * TRAFFIC)
    assert [type(each) for each in alice.told] == [TrafficUsedUp]


def test_the_next_purchase_goes_on_with_the_same_key_and_all_of_its_traffic() -> None:
    alice = Customer()
    alice.buy()
    alice.move(TRAFFIC + 300)
    key = alice.subscription.uuid
    alice.buy()
    assert (alice.is_on_nodes(), alice.subscription.uuid, alice.subscription.traffic) == (True, key, TRAFFIC)
    alice.move(TRAFFIC - 1)
    assert alice.is_on_nodes()
    alice.move(1)
    assert not alice.is_on_nodes()
    assert [type(each) for each in alice.told] == [TrafficUsedUp, TrafficRunsOut, TrafficUsedUp]


def test_what_is_left_stays_when_more_is_bought_in_time_and_ends_with_the_time() -> None:
    alice = Customer()
    alice.buy()
    alice.move(400)
    alice.buy()
    assert alice.subscription.traffic == 600 + TRAFFIC
    alice.shop.wait(timedelta(days=60))
    alice.shop.do(ExpireSubscriptions((1,)))
    alice.buy()
    assert alice.subscription.traffic == TRAFFIC


def test_a_plan_without_a_limit_has_none_whatever_there_was_before() -> None:
    alice = Customer()
    alice.buy()
    alice.move(TRAFFIC)
    alice.buy("year")
    assert (alice.is_on_nodes(), alice.subscription.traffic, alice.subscription.devices) == (True, None, None)
    alice.move(10**15)
    assert alice.is_on_nodes()


def test_days_without_a_plan_change_nothing_while_time_runs_and_begin_anew_after_its_end() -> None:
    alice = Customer()
    alice.buy()
    alice.move(TRAFFIC)
    give = GrantTime(request="1", by="olga", reason="an outage", user_id=ALICE.id, days=3)
    alice.shop.do(give)
    assert not alice.is_on_nodes()
    alice.shop.wait(timedelta(days=40))
    alice.shop.do(ExpireSubscriptions((1,)))
    assert not alice.is_on_nodes()
    alice.shop.do(replace(give, request="2"))
    assert (alice.is_on_nodes(), alice.subscription.traffic, alice.subscription.devices) == (True, TRAFFIC, 3)


def test_a_trial_has_its_own_limit_and_paying_adds_to_what_is_left_of_it() -> None:
    alice = Customer()
    alice.shop.do(StartTrial(alice.shop.update(), ALICE))
    alice.move(60)
    alice.buy()
    assert alice.subscription.traffic == 40 + TRAFFIC


def test_a_refund_takes_back_what_was_not_moved() -> None:
    alice = Customer()
    alice.buy()
    charge = alice.buy()
    alice.move(TRAFFIC + 1)
    assert alice.is_on_nodes()
    alice.shop.do(
        RecordRefund(
            provider=Provider.STARS,
            charge_id=charge,
            amount=Money(150, "XTR"),
            purchase_id=2,
            payer=ALICE.id,
            by="olga",
        )
    )
    assert (alice.is_on_nodes(), alice.subscription.traffic) == (False, TRAFFIC)


def test_an_operator_can_give_traffic_which_connects_whoever_had_none_left() -> None:
    alice = Customer()
    give = GiveTraffic(request="1", by="olga", reason="an outage", user_id=ALICE.id, traffic=500)
    alice.shop.do(StartTrial(alice.shop.update(), ALICE))
    alice.buy("year")
    assert alice.shop.do(give) == Verdict(False, "the plan of user 1001 has no limit of traffic")
    alice.buy()
    alice.move(TRAFFIC + 70)
    assert not alice.is_on_nodes()
    assert alice.shop.do(replace(give, request="2")).done
    assert alice.is_on_nodes()
    alice.move(499)
    assert alice.is_on_nodes()
    alice.move(1)
    assert not alice.is_on_nodes()
    alice.shop.wait(timedelta(days=500))
    alice.shop.do(ExpireSubscriptions((1,)))
    assert not alice.shop.do(replace(give, request="3")).done
    assert not alice.shop.do(replace(give, request="4", traffic=0)).done


def test_where_there_is_grace_who_has_used_all_still_reaches_what_it_takes_to_pay() -> None:
    alice = Customer(replace(LIMITED, grace=3 * DAY))
    alice.buy()
    alice.move(TRAFFIC)
    assert alice.is_on_nodes()
    assert alice.subscription.stopped is Stop.GRACE
    [told] = alice.told
    assert isinstance(told, TrafficUsedUp)
    assert told.grace
    alice.buy()
    assert (alice.is_on_nodes(), alice.subscription.in_grace) == (True, False)


def test_in_any_order_of_purchases_ends_and_readings_access_is_what_was_paid_for(campaign: int) -> None:
    for seed in range(60 * campaign):
        chance = random.Random(seed)
        alice = Customer(replace(LIMITED, grace=chance.choice((DAY, 0 * DAY))))
        alice.buy()
        for _ in range(40):
            match chance.randrange(5):
                case 0:
                    alice.buy(chance.choice(("month", "month", "year")))
                case 1:
                    alice.shop.wait(timedelta(days=chance.randrange(20)))
                case 2:
                    alice.shop.do(ExpireSubscriptions((1,)))
                case _:
                    alice.move(chance.randrange(600))
            one = alice.subscription
            used = alice.moved - one.traffic_from
            is_used_up = one.status == "active" and one.traffic is not None and used >= one.traffic
            assert (one.stopped is not None) is is_used_up, f"seed {seed}"
            whole = one.status == "active" and not is_used_up
            assert (alice.is_on_nodes() and not one.in_grace) is whole, f"seed {seed}"
        stops = [each for each in alice.told if isinstance(each, TrafficUsedUp)]
        assert len({each.period for each in stops}) == len(stops), f"seed {seed}: told twice"
