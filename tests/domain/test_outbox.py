"""Messages that tell of money or access are tried for as long as it takes; a repeat finishes the update it came in."""

from datetime import datetime, timedelta
from typing import get_args

import pytest

from domain.commands import (
    AbandonMessages,
    ClaimMessages,
    Confirmation,
    ConfirmProvisions,
    DropMessages,
    FinalizePayment,
    ReleaseMessages,
    SettleMessage,
    Show,
    StartPurchase,
)
from domain.delivery import DELIVERY, Delivery, Promise
from domain.draft import Draft
from domain.entities import MessageState, OutboxMessage, Priority, Provider
from domain.messages import AnyMessage, EndsSoon, Expired, Message
from domain.outbox import tell
from tests.domain.memory import Shop
from tests.domain.test_access import buy
from tests.storage.shop import ALICE, CATALOGUE, made_up_entropy

HOUR = timedelta(hours=1)


def message(shop: Shop, kind: str) -> OutboxMessage:
    return next(row for row in shop.rows.outbox.changed.values() if row.kind == kind)


def fresh(shop: Shop, row: OutboxMessage) -> OutboxMessage:
    found = shop.rows.outbox.get(row.id)
    assert found is not None
    return found


def fail(shop: Shop, row: OutboxMessage, times: int) -> MessageState:
    for _ in range(times):
        later = shop.now + timedelta(minutes=10)
        shop.do(SettleMessage(outbox_id=row.id, state=MessageState.PENDING, error="down", not_before=later))
        shop.wait(timedelta(minutes=10))
    return fresh(shop, row).state


def say(shop: Shop, key: str, message: Message, *, expires_at: datetime | None = None) -> OutboxMessage:
    """Write a message to Alice, as a decision of any command does."""
    draft = Draft(shop.rows, shop.now, CATALOGUE, shop.sequences, made_up_entropy())
    tell(draft, ALICE.id, key, message, expires_at=expires_at)
    return list(shop.rows.outbox.changed.values())[-1]


def remind(shop: Shop, *, lasts: timedelta | None = None) -> OutboxMessage:
    """A reminder to Alice, who has written to the bot."""
    shop.do(Show(shop.update(), ALICE, "home"))
    expires_at = None if lasts is None else shop.now + lasts
    return say(shop, "reminder", EndsSoon(title="1 month", expires_at=shop.now), expires_at=expires_at)


#: What administrators are told waits behind people, and comes twice rather than never.
NOTICES = {"money_notice", "alerts_notice", "daily_report"}


@pytest.mark.requirement("N3")
def test_of_every_kind_it_is_said_how_it_is_delivered() -> None:
    kinds = {str(message.__struct_config__.tag) for message in get_args(AnyMessage)}
    assert set(DELIVERY) == kinds
    for kind, delivery in DELIVERY.items():
        once = delivery.promise is Promise.AT_MOST_ONCE
        assert once is (delivery.priority is not Priority.PROMPT and kind not in NOTICES), kind
        assert not once or delivery.lasts is not None, f"{kind} could be sent years later"
    for fact in ("paid", "topped_up", "under_review", "access_ready", "expired"):
        assert DELIVERY[fact] == Delivery(Promise.AT_LEAST_ONCE, Priority.PROMPT, None)


def test_a_key_survives_any_outage_of_telegram() -> None:
    shop = Shop()
    buy(shop)
    shop.do(ConfirmProvisions("one", (Confirmation(1, 1, True),)))
    assert fail(shop, message(shop, "access_ready"), 1000) is MessageState.PENDING


def test_a_screen_that_nobody_waits_for_any_more_is_given_up() -> None:
    shop = Shop()
    shop.do(Show(shop.update(), ALICE, "home"))
    assert fail(shop, message(shop, "home"), 5) is MessageState.PENDING
    assert fail(shop, message(shop, "home"), 1) is MessageState.DROPPED
    assert fresh(shop, message(shop, "home")).error == "down"


def test_a_mark_is_set_once_and_counts_as_a_try() -> None:
    shop = Shop()
    row = remind(shop)
    assert shop.do(ClaimMessages((row.id, 999))) == (row.id,)
    assert (fresh(shop, row).state, fresh(shop, row).attempts) == (MessageState.SENDING, 1)
    assert shop.do(ClaimMessages((row.id,))) == (row.id,)
    shop.do(SettleMessage(outbox_id=row.id, state=MessageState.SENT, message_id=5))
    assert (fresh(shop, row).state, fresh(shop, row).attempts) == (MessageState.SENT, 1)
    assert shop.do(ClaimMessages((row.id,))) == ()


def test_a_mark_that_is_taken_off_leaves_no_trace() -> None:
    shop = Shop()
    row = remind(shop)
    shop.do(ClaimMessages((row.id,)))
    shop.do(ReleaseMessages((row.id,)))
    assert fresh(shop, row) == row
    shop.do(ReleaseMessages((row.id,)))
    assert fresh(shop, row) == row


def test_what_was_marked_at_a_kill_is_not_sent_again_and_its_arrival_may_still_be_learnt() -> None:
    shop = Shop()
    row = remind(shop)
    shop.do(AbandonMessages((row.id,)))
    assert fresh(shop, row) == row
    shop.do(ClaimMessages((row.id,)))
    shop.do(AbandonMessages((row.id,)))
    assert fresh(shop, row).state is MessageState.UNKNOWN
    assert shop.do(ClaimMessages((row.id,))) == ()
    shop.do(SettleMessage(outbox_id=row.id, state=MessageState.PENDING, not_before=shop.now + HOUR))
    assert fresh(shop, row).state is MessageState.UNKNOWN
    shop.do(SettleMessage(outbox_id=row.id, state=MessageState.SENT, message_id=5))
    assert (fresh(shop, row).state, fresh(shop, row).message_id) == (MessageState.SENT, 5)
    shop.do(SettleMessage(outbox_id=row.id, state=MessageState.FAILED))
    assert fresh(shop, row).state is MessageState.SENT


@pytest.mark.requirement("N7")
@pytest.mark.parametrize("command", [ClaimMessages, DropMessages])
def test_a_reminder_whose_moment_has_passed_is_dropped_whoever_looks_first(
    command: type[ClaimMessages | DropMessages],
) -> None:
    shop = Shop()
    row = remind(shop, lasts=HOUR)
    shop.wait(HOUR - timedelta(microseconds=1))
    assert shop.do(DropMessages((row.id,))) == 0
    shop.wait(timedelta(microseconds=1))
    assert shop.do(command((row.id,))) in ((), 1)
    assert fresh(shop, row).state is MessageState.DROPPED
    assert fresh(shop, row).settled_at == shop.now


@pytest.mark.requirement("N7")
def test_a_reminder_that_would_have_to_wait_past_its_moment_is_dropped_at_once() -> None:
    shop = Shop()
    row = remind(shop, lasts=HOUR)
    shop.do(ClaimMessages((row.id,)))
    later = shop.now + HOUR
    shop.do(SettleMessage(outbox_id=row.id, state=MessageState.PENDING, error="flood", not_before=later))
    assert fresh(shop, row).state is MessageState.DROPPED


@pytest.mark.requirement("N4")
def test_who_cannot_be_reached_is_not_reminded_until_they_write() -> None:
    shop = Shop()
    row = remind(shop)
    home = message(shop, "home")
    shop.do(SettleMessage(outbox_id=home.id, state=MessageState.FAILED, error="Forbidden", unreachable=True))
    user = shop.rows.users.get(ALICE.id)
    assert user is not None
    assert user.unreachable_since == shop.now
    assert shop.do(ClaimMessages((row.id,))) == ()
    assert fresh(shop, row).state is MessageState.FAILED

    again = say(shop, "another", EndsSoon(title="1 month", expires_at=shop.now))
    shop.do(Show(shop.update(), ALICE, "home"))
    assert shop.do(ClaimMessages((again.id,))) == (again.id,)


def test_a_message_that_arrives_proves_that_its_reader_can_be_reached() -> None:
    shop = Shop()
    remind(shop)
    home = message(shop, "home")
    shop.do(SettleMessage(outbox_id=home.id, state=MessageState.FAILED, unreachable=True))
    fact = say(shop, "fact", Expired(title="1 month"))
    shop.do(SettleMessage(outbox_id=fact.id, state=MessageState.SENT))
    user = shop.rows.users.get(ALICE.id)
    assert user is not None
    assert user.unreachable_since is None


@pytest.mark.requirement("F5")
def test_the_same_charge_in_a_second_update_finishes_that_update_too() -> None:
    shop = Shop()
    started = shop.do(StartPurchase(shop.update(), ALICE, "plan:month", Provider.STARS))
    assert started is not None
    for update_id in (shop.update(), shop.update()):
        shop.do(
            FinalizePayment(
                provider=Provider.STARS,
                charge_id="charge",
                amount=started.price,
                purchase_id=started.purchase_id,
                payer=ALICE.id,
                update_id=update_id,
            )
        )
        update = shop.rows.updates.get(update_id)
        assert update is not None
        assert update.done_at is not None
    assert len(shop.rows.payments.changed) == 1
