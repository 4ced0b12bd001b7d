"""Access follows paid time: extended by payments, ended by the writer, ready when a node says so."""

from datetime import timedelta

import pytest

from domain import messages
from domain.commands import (
    Confirmation,
    ConfirmProvisions,
    ExpireSubscriptions,
    FinalizePayment,
    StartPurchase,
)
from domain.entities import Provider, Subscription, SubscriptionStatus
from tests.domain.memory import Shop
from tests.storage.shop import ALICE, NOW

MONTH = timedelta(days=30)
MOMENT = timedelta(milliseconds=1)


def buy(shop: Shop) -> None:
    started = shop.do(StartPurchase(shop.update(), ALICE, "plan:month", Provider.STARS))
    assert started is not None
    shop.do(
        FinalizePayment(
            provider=Provider.STARS,
            charge_id=f"charge-{started.purchase_id}",
            amount=started.price,
            purchase_id=started.purchase_id,
            payer=ALICE.id,
        )
    )


def subscription(shop: Shop) -> Subscription:
    found = shop.rows.subscriptions.get(ALICE.id)
    assert found is not None
    return found


def confirm(shop: Shop, node: str = "one") -> None:
    grant = shop.rows.grants.get(1)
    assert grant is not None
    shop.do(ConfirmProvisions(node, (Confirmation(1, grant.version, grant.present),)))


def test_a_second_plan_is_added_after_the_end_of_the_first() -> None:
    shop = Shop()
    buy(shop)
    shop.wait(timedelta(days=10))
    buy(shop)
    assert subscription(shop).expires_at == NOW + MONTH * 2


def test_uuid_and_address_stay_the_same_through_expiry_and_return() -> None:
    shop = Shop()
    buy(shop)
    first = subscription(shop)
    shop.wait(MONTH + timedelta(days=100))
    assert shop.do(ExpireSubscriptions((first.id,))).ended == 1
    buy(shop)
    back = subscription(shop)

    assert (back.uuid, back.token, back.id) == (first.uuid, first.token, first.id)
    assert back.status is SubscriptionStatus.ACTIVE
    assert back.expires_at == shop.now + MONTH
    grant = shop.rows.grants.get(first.id)
    assert grant is not None
    assert (grant.present, grant.version, grant.ready) == (True, 3, False)


@pytest.mark.parametrize(("after", "ended"), [(-MOMENT, 0), (timedelta(0), 1), (MOMENT, 1)])
def test_a_subscription_ends_at_its_end_and_not_before(after: timedelta, ended: int) -> None:
    shop = Shop()
    buy(shop)
    shop.wait(MONTH + after)
    assert shop.do(ExpireSubscriptions((1,))).ended == ended
    grant = shop.rows.grants.get(1)
    assert grant is not None
    assert grant.present is (ended == 0)


def test_a_clock_that_ran_ahead_and_was_put_right_costs_nobody_paid_time() -> None:
    shop = Shop()
    buy(shop)
    ends = subscription(shop).expires_at
    shop.wait(timedelta(days=400))
    shop.do(ExpireSubscriptions((1,)))
    shop.wait(timedelta(days=-400))
    buy(shop)
    assert subscription(shop).expires_at == ends + MONTH


def test_a_renewal_before_the_expiry_command_wins_even_after_the_end() -> None:
    shop = Shop()
    buy(shop)
    shop.wait(MONTH + MOMENT)
    buy(shop)
    assert shop.do(ExpireSubscriptions((1,))).ended == 0
    assert subscription(shop).status is SubscriptionStatus.ACTIVE


def test_the_end_is_told_once_however_often_the_command_comes() -> None:
    shop = Shop()
    buy(shop)
    shop.wait(MONTH)
    for _ in range(3):
        shop.do(ExpireSubscriptions((1,)))
    assert [type(message) for message in shop.told()].count(messages.Expired) == 1


def test_the_key_is_sent_once_when_the_first_node_has_it() -> None:
    shop = Shop()
    buy(shop)
    assert not any(isinstance(message, messages.AccessReady) for message in shop.told())
    confirm(shop, "one")
    confirm(shop, "two")
    confirm(shop, "one")
    assert [type(message) for message in shop.told()].count(messages.AccessReady) == 1


def test_a_confirmation_of_an_older_version_makes_nothing_ready() -> None:
    shop = Shop()
    buy(shop)
    shop.wait(MONTH)
    shop.do(ExpireSubscriptions((1,)))
    shop.do(ConfirmProvisions("one", (Confirmation(1, 1, True),)))
    assert not any(isinstance(message, messages.AccessReady) for message in shop.told())


def test_a_renewal_of_a_connected_user_says_that_they_stay_connected() -> None:
    shop = Shop()
    buy(shop)
    confirm(shop)
    buy(shop)
    paid = [message for message in shop.told() if isinstance(message, messages.Paid)]
    assert [message.connecting for message in paid] == [True, False]
