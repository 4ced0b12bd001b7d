"""Renewing from the balance, and what a refund means for it."""

from datetime import timedelta

import pytest

from domain import messages
from domain.commands import (
    AskRefund,
    AutoRenew,
    FinalizePayment,
    Renewal,
    SetAutoRenewal,
    StartPurchase,
    Verdict,
)
from domain.entities import AccountKind, Provider, Subscription
from domain.money import Money
from tests.domain.memory import Shop
from tests.storage.shop import ALICE, NOW

MONTH = timedelta(days=30)


def pay(shop: Shop, item: str) -> None:
    started = shop.do(StartPurchase(shop.update(), ALICE, item, Provider.CRYPTOPAY))
    assert started is not None
    shop.do(
        FinalizePayment(
            provider=Provider.CRYPTOPAY,
            charge_id=f"charge-{started.purchase_id}",
            amount=started.price,
            purchase_id=started.purchase_id,
            payer=ALICE.id,
        )
    )


def about_to_renew() -> Shop:
    """A month that renews by itself, on its last hours, with enough on the balance for two."""
    shop = Shop()
    pay(shop, "plan:month")
    pay(shop, "top_up:500")
    shop.do(SetAutoRenewal(shop.update(), ALICE, on=True))
    shop.wait(MONTH - timedelta(hours=6))
    return shop


def subscription(shop: Shop) -> Subscription:
    found = shop.rows.subscriptions.get(ALICE.id)
    assert found is not None
    return found


def refund_the_last(shop: Shop) -> Verdict:
    last = max(row.id for row in shop.rows.payments.changed.values())
    return shop.do(AskRefund(request=f"r{last}", by="olga", reason="asked in support", payment_id=last))


@pytest.mark.requirement("F11")
def test_a_renewal_that_was_refunded_is_not_charged_again_by_itself() -> None:
    shop = about_to_renew()
    assert shop.do(AutoRenew(1)) is Renewal.RENEWED
    assert refund_the_last(shop).done

    assert subscription(shop).expires_at == NOW + MONTH
    assert shop.do(AutoRenew(1)) is Renewal.NOT_DUE
    balance = shop.rows.accounts.get((AccountKind.BALANCE, ALICE.id, "RUB"))
    assert balance is not None
    assert balance.balance == Money(50000, "RUB")
    assert shop.told()[-1] == messages.Refunded(amount=Money(19900, "RUB"), title="1 month")


@pytest.mark.requirement("F3")
def test_after_a_refund_who_switches_it_on_again_is_renewed_at_the_same_end() -> None:
    shop = about_to_renew()
    shop.do(AutoRenew(1))
    refund_the_last(shop)
    shop.do(SetAutoRenewal(shop.update(), ALICE, on=True))

    assert shop.do(AutoRenew(1)) is Renewal.RENEWED
    assert subscription(shop).expires_at == NOW + 2 * MONTH
