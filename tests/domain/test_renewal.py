"""Renewing from the balance, and what a refund means for it."""

from datetime import timedelta

import pytest

from domain import messages
from domain.commands import (
    AskRefund,
    AutoRenew,
    FinalizePayment,
    PayFromBalance,
    Renewal,
    SetAutoRenewal,
    Show,
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


def balance(shop: Shop) -> Money:
    account = shop.rows.accounts.get((AccountKind.BALANCE, ALICE.id, "RUB"))
    assert account is not None
    return account.balance


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
    assert balance(shop) == Money(50000, "RUB")
    assert shop.told()[-1] == messages.Refunded(amount=Money(19900, "RUB"), title="1 month")


@pytest.mark.requirement("F3")
def test_after_a_refund_who_switches_it_on_again_is_renewed_at_the_same_end() -> None:
    shop = about_to_renew()
    shop.do(AutoRenew(1))
    refund_the_last(shop)
    shop.do(SetAutoRenewal(shop.update(), ALICE, on=True))

    assert shop.do(AutoRenew(1)) is Renewal.RENEWED
    assert subscription(shop).expires_at == NOW + 2 * MONTH


def charge_stars(shop: Shop, purchase: int, number: int) -> None:
    """Telegram charges a Stars subscription."""
    shop.do(
        FinalizePayment(
            provider=Provider.STARS,
            charge_id=f"month {number}",
            amount=Money(150, "XTR"),
            purchase_id=purchase,
            payer=ALICE.id,
            repeated=True,
        )
    )


@pytest.mark.requirement("F4")
def test_a_month_for_which_stars_are_charged_is_not_renewed_from_the_balance_too() -> None:
    shop = about_to_renew()
    monthly = shop.do(StartPurchase(shop.update(), ALICE, "plan:month", Provider.STARS, recurring=True))
    assert monthly is not None
    charge_stars(shop, monthly.purchase_id, 1)
    shop.wait(MONTH)
    assert shop.do(AutoRenew(subscription(shop).id)) is Renewal.NOT_DUE
    charge_stars(shop, monthly.purchase_id, 2)
    assert balance(shop) == Money(50000, "RUB")
    shop.do(Show(shop.update(), ALICE, "renewal"))
    assert isinstance(screen := shop.told()[-1], messages.AutoRenewal)
    assert screen.monthly, "and they are told so"
    assert not any(isinstance(each, messages.RenewalShort | messages.Renewed) for each in shop.told())


def test_a_question_whose_hour_is_over_is_answered_with_the_present_price_and_nothing_is_taken() -> None:
    shop = about_to_renew()
    asked = shop.do(StartPurchase(shop.update(), ALICE, "plan:month", Provider.BALANCE))
    assert asked is not None
    shop.wait(timedelta(hours=1, seconds=1))
    assert shop.do(PayFromBalance(shop.update(), ALICE, asked.purchase_id)) is None
    assert isinstance(shop.told()[-1], messages.WaysToPay)
    assert balance(shop) == Money(50000, "RUB")
