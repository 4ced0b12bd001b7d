"""What can be refunded: each case makes a payment, lets something happen to it, and says what a refund must leave."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from domain.commands import FinalizePayment, PayFromBalance, SettleReview
from domain.entities import PaymentOutcome, Provider, ReviewAction
from domain.money import Money
from tests.races.market import Market, paid, person

BUYER, FRIEND = person(1), person(2)


@dataclass(frozen=True, slots=True)
class Left:
    """What must be left when the money has gone back."""

    #: Of access from now on, by user.
    days: dict[int, int] = field(default_factory=dict)
    balance: int = 0
    shortage: int | None = None


Case = Callable[[Market], Awaitable[tuple[int, Left]]]


def operator(number: int) -> dict[str, Any]:
    return {"request": f"r{number}", "by": "olga", "reason": "as agreed"}


async def a_plan_just_bought(market: Market) -> tuple[int, Left]:
    receipt = await market.buy(BUYER)
    return receipt.payment_id, Left({BUYER.id: 0})


async def a_plan_half_used(market: Market) -> tuple[int, Left]:
    receipt = await market.buy(BUYER)
    market.move(timedelta(days=15))
    return receipt.payment_id, Left({BUYER.id: 0})


async def a_plan_that_is_over(market: Market) -> tuple[int, Left]:
    receipt = await market.buy(BUYER)
    market.move(timedelta(days=31))
    return receipt.payment_id, Left({BUYER.id: 0})


async def the_first_of_two_plans(market: Market) -> tuple[int, Left]:
    receipt = await market.buy(BUYER)
    await market.buy(BUYER)
    market.move(timedelta(days=10))
    return receipt.payment_id, Left({BUYER.id: 20})


async def a_top_up_unspent(market: Market) -> tuple[int, Left]:
    receipt = await market.buy(BUYER, "top_up:500", Provider.CRYPTOPAY)
    return receipt.payment_id, Left()


async def a_top_up_in_stars(market: Market) -> tuple[int, Left]:
    receipt = await market.buy(BUYER, "top_up:500", Provider.STARS)
    return receipt.payment_id, Left()


async def a_top_up_half_spent(market: Market) -> tuple[int, Left]:
    receipt = await market.buy(BUYER, "top_up:500", Provider.CRYPTOPAY)
    await spend(market)
    return receipt.payment_id, Left({BUYER.id: 30}, shortage=19900)


async def a_top_up_half_spent_beside_other_money(market: Market) -> tuple[int, Left]:
    receipt = await market.buy(BUYER, "top_up:500", Provider.CRYPTOPAY)
    await market.buy(BUYER, "top_up:500", Provider.CRYPTOPAY)
    await spend(market)
    return receipt.payment_id, Left({BUYER.id: 30}, balance=50000 - 19900)


async def a_gift_nobody_redeemed(market: Market) -> tuple[int, Left]:
    receipt = await market.buy(BUYER, "gift:month")
    return receipt.payment_id, Left({FRIEND.id: 0})


async def a_gift_that_was_redeemed(market: Market) -> tuple[int, Left]:
    receipt = await market.buy(BUYER, "gift:month")
    await market.enter(FRIEND, market.value("SELECT code FROM gifts"))
    market.move(timedelta(days=3))
    return receipt.payment_id, Left({FRIEND.id: 0})


async def too_much_paid(market: Market) -> tuple[int, Left]:
    invoice = await market.invoice(BUYER)
    receipt = await market.do(replace(paid(invoice, BUYER), amount=Money(300, "XTR")))
    assert receipt.outcome is PaymentOutcome.OVERPAID
    assert market.balance(BUYER) == 19900
    return receipt.payment_id, Left({BUYER.id: 0})


async def too_much_paid_and_the_rest_spent(market: Market) -> tuple[int, Left]:
    payment, _ = await too_much_paid(market)
    await spend(market)
    return payment, Left({BUYER.id: 30}, shortage=19900)


async def too_little_paid(market: Market) -> tuple[int, Left]:
    invoice = await market.invoice(BUYER)
    receipt = await market.do(replace(paid(invoice, BUYER), amount=Money(100, "XTR")))
    assert receipt.outcome is PaymentOutcome.UNDERPAID
    assert market.balance(BUYER) > 0
    return receipt.payment_id, Left()


async def nothing_we_know_still_under_review(market: Market) -> tuple[int, Left]:
    return await unheard_of(market), Left()


async def nothing_we_know_credited_by_an_operator(market: Market) -> tuple[int, Left]:
    payment = await unheard_of(market)
    await settle(market, payment, ReviewAction.CREDIT, user_id=BUYER.id, amount=Money(10000, "RUB"))
    assert market.balance(BUYER) == 10000
    return payment, Left()


async def nothing_we_know_given_a_plan_for(market: Market) -> tuple[int, Left]:
    payment = await unheard_of(market)
    await settle(market, payment, ReviewAction.GRANT, user_id=BUYER.id, item="plan:month")
    return payment, Left({BUYER.id: 0})


async def nothing_we_know_ignored(market: Market) -> tuple[int, Left]:
    payment = await unheard_of(market)
    await settle(market, payment, ReviewAction.IGNORE)
    return payment, Left()


async def unheard_of(market: Market) -> int:
    """A charge that names nothing of ours."""
    await market.invoice(BUYER)  # the shop knows the person
    receipt = await market.do(
        FinalizePayment(
            provider=Provider.STARS,
            charge_id="unheard-of",
            amount=Money(150, "XTR"),
            purchase_id=None,
            payer=BUYER.id,
        )
    )
    assert receipt.outcome is PaymentOutcome.UNKNOWN_PURCHASE
    return receipt.payment_id


async def settle(market: Market, payment: int, action: ReviewAction, **how: Any) -> None:
    verdict = await market.do(SettleReview(**operator(9), payment_id=payment, action=action, **how))
    assert verdict.done, verdict.why


async def spend(market: Market) -> None:
    """Buy a month from the balance."""
    plan = await market.invoice(BUYER, provider=Provider.BALANCE)
    assert await market.do(PayFromBalance(await market.update(BUYER), BUYER, plan.purchase_id)) is not None


CASES: list[Case] = [
    a_plan_just_bought,
    a_plan_half_used,
    a_plan_that_is_over,
    the_first_of_two_plans,
    a_top_up_unspent,
    a_top_up_in_stars,
    a_top_up_half_spent,
    a_top_up_half_spent_beside_other_money,
    a_gift_nobody_redeemed,
    a_gift_that_was_redeemed,
    too_much_paid,
    too_much_paid_and_the_rest_spent,
    too_little_paid,
    nothing_we_know_still_under_review,
    nothing_we_know_credited_by_an_operator,
    nothing_we_know_given_a_plan_for,
    nothing_we_know_ignored,
]
