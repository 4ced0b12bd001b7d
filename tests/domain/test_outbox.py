"""Messages that tell of money or access are tried for as long as it takes; a repeat finishes the update it came in."""

from datetime import timedelta

import pytest

from domain.commands import (
    Confirmation,
    ConfirmProvisions,
    FinalizePayment,
    SettleMessage,
    Show,
    StartPurchase,
)
from domain.entities import MessageState, OutboxMessage, Provider
from domain.outbox import SENDING_ATTEMPTS_MAX
from tests.domain.memory import Shop
from tests.domain.test_access import buy
from tests.storage.shop import ALICE


def message(shop: Shop, kind: str) -> OutboxMessage:
    return next(row for row in shop.rows.outbox.changed.values() if row.kind == kind)


def fail(shop: Shop, row: OutboxMessage, times: int) -> MessageState:
    for _ in range(times):
        later = shop.now + timedelta(minutes=10)
        shop.do(SettleMessage(outbox_id=row.id, state=MessageState.PENDING, error="down", not_before=later))
        shop.wait(timedelta(minutes=10))
    settled = shop.rows.outbox.get(row.id)
    assert settled is not None
    return settled.state


def test_a_key_survives_any_outage_of_telegram() -> None:
    shop = Shop()
    buy(shop)
    shop.do(ConfirmProvisions("one", (Confirmation(1, 1, True),)))
    assert fail(shop, message(shop, "access_ready"), SENDING_ATTEMPTS_MAX * 10) is MessageState.PENDING


def test_a_screen_that_nobody_waits_for_any_more_is_given_up() -> None:
    shop = Shop()
    shop.do(Show(shop.update(), ALICE, "home"))
    assert fail(shop, message(shop, "home"), SENDING_ATTEMPTS_MAX - 1) is MessageState.PENDING
    assert fail(shop, message(shop, "home"), 1) is MessageState.FAILED


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
