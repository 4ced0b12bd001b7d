"""More was paid than asked, and by so little that nobody can say by rule what it is worth: only that is settled."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain import messages
from domain.catalogue import Plan
from domain.commands import FinalizePayment, RecordRefund, SettleReview, StartPurchase, Verdict
from domain.entities import AccountKind, Provider, ReviewAction
from domain.money import Money
from tests.domain.memory import Shop
from tests.storage.shop import ALICE, CATALOGUE

#: A Star is worth less than a kopeck of this one.
CHEAP = Plan("cheap", "A cheap month", timedelta(days=30), Money(100, "RUB"), Money(150, "XTR"))


def overpaid() -> Shop:
    """Alice has paid a Star too much."""
    shop = Shop(catalogue=replace(CATALOGUE, plans={"cheap": CHEAP}))
    started = shop.do(StartPurchase(shop.update(), ALICE, "plan:cheap", Provider.STARS))
    assert started is not None
    shop.do(
        FinalizePayment(
            provider=Provider.STARS,
            charge_id="charge",
            amount=Money(151, "XTR"),
            purchase_id=started.purchase_id,
            payer=ALICE.id,
        )
    )
    assert held(shop, AccountKind.SUSPENSE) == 1
    return shop


def held(shop: Shop, kind: AccountKind, currency: str = "XTR") -> int:
    return sum(
        each.balance.minor for each in shop.accounts() if (each.kind, each.currency) == (kind, currency)
    )


def settle(
    shop: Shop, action: ReviewAction, amount: Money | None = None, *, item: str | None = None
) -> Verdict:
    order = SettleReview(
        request=f"{action} {amount}",
        by="olga",
        reason="a Star",
        payment_id=1,
        action=action,
        amount=amount,
        item=item,
    )
    return shop.do(order)


def refund(shop: Shop) -> None:
    back = RecordRefund(
        provider=Provider.STARS,
        charge_id="charge",
        amount=Money(151, "XTR"),
        purchase_id=1,
        payer=ALICE.id,
        by="stars",
    )
    assert shop.do(back)


@pytest.mark.requirement("F10", "F8")
def test_what_is_too_much_is_credited_and_not_once_more_what_was_paid_for() -> None:
    shop = overpaid()
    assert settle(shop, ReviewAction.CREDIT) == Verdict(False, "say how much 1 XTR are worth in RUB")
    assert settle(shop, ReviewAction.CREDIT, Money(1, "RUB")).done
    assert (held(shop, AccountKind.SUSPENSE), held(shop, AccountKind.BALANCE, "RUB")) == (0, 1)
    assert held(shop, AccountKind.REVENUE) == 150
    assert isinstance(credited := shop.told()[-1], messages.Credited)
    assert credited.amount == Money(1, "XTR")


@pytest.mark.requirement("F10", "F8")
def test_what_is_too_much_is_ignored_alone() -> None:
    shop = overpaid()
    assert settle(shop, ReviewAction.IGNORE).done
    assert (held(shop, AccountKind.SUSPENSE), held(shop, AccountKind.UNCLAIMED)) == (0, 1)


@pytest.mark.requirement("F10")
def test_what_was_ordered_is_not_granted_twice_for_a_star() -> None:
    shop = overpaid()
    assert not settle(shop, ReviewAction.GRANT, item="plan:cheap").done
    assert [each.seconds for each in shop.rows.periods.changed.values()] == [30 * 86400]


@pytest.mark.requirement("F11", "F8")
@pytest.mark.parametrize("before", [None, ReviewAction.CREDIT, ReviewAction.IGNORE, ReviewAction.REFUND])
def test_all_that_was_paid_goes_back_wherever_what_was_too_much_lies(before: ReviewAction | None) -> None:
    shop = overpaid()
    if before is not None:
        assert settle(shop, before, Money(1, "RUB") if before is ReviewAction.CREDIT else None).done
    refund(shop)
    assert held(shop, AccountKind.STARS_CLEARING) == 0
    assert held(shop, AccountKind.SUSPENSE) == held(shop, AccountKind.UNCLAIMED) == 0
    assert held(shop, AccountKind.BALANCE, "RUB") == 0
