"""Another key: UUID and address change at once, time and plan do not; and grace, in which the key stays the same."""

from dataclasses import replace
from datetime import timedelta

import pytest
from msgspec.structs import replace as changed

from domain import messages
from domain.commands import Confirmation, ConfirmProvisions, ExpireSubscriptions, Reissue, ReissueKey, Verdict
from domain.entities import Grant, SubscriptionStatus
from domain.keys import REISSUE_PAUSE
from domain.names import Change, Had, change_on_node
from tests.domain.memory import Shop
from tests.domain.test_access import MOMENT, MONTH, buy, confirm, subscription
from tests.storage.shop import ALICE, CATALOGUE

GRACE = timedelta(days=2)


def grant(shop: Shop) -> Grant:
    found = shop.rows.grants.get(1)
    assert found is not None
    return found


def reissue(shop: Shop) -> messages.AnyMessage:
    shop.do(Reissue(shop.update(), ALICE))
    return shop.told()[-1]


@pytest.mark.requirement("U6")
def test_a_new_key_changes_uuid_and_address_and_nothing_else() -> None:
    shop = Shop()
    buy(shop)
    confirm(shop)
    before = subscription(shop)
    assert reissue(shop) == messages.KeyReissued(active=True)
    after = subscription(shop)
    assert after.uuid != before.uuid
    assert after.token != before.token
    assert after == changed(before, uuid=after.uuid, token=after.token, generation=1, reissued_at=shop.now), (
        "time and plan stay"
    )
    assert (grant(shop).uuid, grant(shop).version, grant(shop).ready) == (after.uuid, 2, False)

    confirm(shop)
    ready = shop.told()[-1]
    assert isinstance(ready, messages.AccessReady)
    assert (ready.uuid, ready.token) == (str(after.uuid), after.token)


def test_a_person_gets_a_new_key_once_in_a_while_and_an_operator_gives_one_at_any_time() -> None:
    shop = Shop()
    assert reissue(shop) == messages.KeyNotReissued()
    buy(shop)
    reissue(shop)
    first = subscription(shop).uuid
    assert reissue(shop) == messages.KeyNotReissued(again_at=shop.now + REISSUE_PAUSE)
    assert subscription(shop).uuid == first

    order = ReissueKey(request="1", by="olga", reason="leaked", user_id=ALICE.id)
    assert shop.do(order) == Verdict(True)
    assert subscription(shop).uuid != first
    assert shop.told()[-1] == messages.KeyReissued(active=True, reason="leaked")
    shop.wait(REISSUE_PAUSE)
    assert reissue(shop) == messages.KeyReissued(active=True)
    nobody = ReissueKey(request="2", by="olga", reason="leaked", user_id=99)
    assert not shop.do(nobody).done


def test_a_key_that_is_renewed_after_the_end_is_put_on_no_node_before_the_next_plan() -> None:
    shop = Shop()
    buy(shop)
    shop.wait(MONTH)
    shop.do(ExpireSubscriptions((1,)))
    assert reissue(shop) == messages.KeyReissued(active=False)
    assert not grant(shop).present
    buy(shop)
    assert (grant(shop).present, grant(shop).uuid) == (True, subscription(shop).uuid)


def test_after_the_end_there_is_grace_which_ends_by_itself_and_keeps_the_key() -> None:
    shop = Shop(catalogue=replace(CATALOGUE, grace=GRACE))
    buy(shop)
    confirm(shop)
    key = subscription(shop).uuid
    shop.wait(MONTH)
    assert shop.do(ExpireSubscriptions((1,))).ended == 1
    assert subscription(shop).status is SubscriptionStatus.GRACE
    assert (grant(shop).present, grant(shop).grace, grant(shop).version) == (True, True, 2)
    assert [told.grace for told in shop.told() if isinstance(told, messages.Expired)] == [True]

    shop.do(ConfirmProvisions("one", (Confirmation(1, 2, True, grace=True),)))
    shop.wait(GRACE - MOMENT)
    assert shop.do(ExpireSubscriptions((1,))).ended == 0
    shop.wait(MOMENT)
    assert shop.do(ExpireSubscriptions((1,))).ended == 1
    assert subscription(shop).status is SubscriptionStatus.EXPIRED
    assert not grant(shop).present
    told = [type(message) for message in shop.told()]
    assert (told.count(messages.Expired), told.count(messages.AccessReady)) == (1, 1)
    assert subscription(shop).uuid == key


def test_who_pays_in_grace_has_everything_again_from_that_moment_with_the_same_key() -> None:
    shop = Shop(catalogue=replace(CATALOGUE, grace=GRACE))
    buy(shop)
    key = subscription(shop).uuid
    shop.wait(MONTH)
    shop.do(ExpireSubscriptions((1,)))
    shop.wait(timedelta(days=1))
    buy(shop)
    back = subscription(shop)
    assert (back.status, back.uuid, back.expires_at) == (SubscriptionStatus.ACTIVE, key, shop.now + MONTH)
    assert (grant(shop).present, grant(shop).grace) == (True, False)


def test_time_that_ran_out_long_before_it_was_noticed_leaves_no_grace() -> None:
    shop = Shop(catalogue=replace(CATALOGUE, grace=GRACE))
    buy(shop)
    shop.wait(MONTH + GRACE)
    shop.do(ExpireSubscriptions((1,)))
    assert subscription(shop).status is SubscriptionStatus.EXPIRED


@pytest.mark.parametrize(
    ("grant", "had", "change"),
    [
        ((1, True, 0, False), None, Change((), "s7", ())),
        ((2, False, 0, False), Had(1, True, 0, False), Change(("s7",), None, ())),
        ((2, True, 0, True), Had(1, True, 0, False), Change(("s7",), "g7", ())),
        ((3, True, 0, False), Had(2, True, 0, True), Change(("g7",), "s7", ())),
        ((2, True, 1, False), Had(1, True, 0, False), Change((), "s7.1", ("s7",))),
        ((2, True, 1, False), Had(2, True, 1, False), Change((), "s7.1", ())),
        ((2, True, 1, False), Had(1, False, 0, False), Change((), "s7.1", ())),
        ((3, True, 0, False), Had(1, True, 0, False), Change(("g7",), "s7", ())),
        ((2, False, 0, False), None, Change(("s7", "g7"), None, ())),
        ((4, True, 2, False), Had(1, True, 1, False), Change(("g7.2",), "s7.2", ("s7.1", "g7.1"))),
    ],
)
def test_what_is_done_on_a_node_depends_on_what_it_confirmed_last(
    grant: tuple[int, bool, int, bool], had: Had | None, change: Change
) -> None:
    version, wanted, generation, grace = grant
    assert change_on_node(7, version, wanted, generation, grace, had) == change
