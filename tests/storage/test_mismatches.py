"""Every way in which a payment can differ from what was asked ends in a state that is seen and can be settled (F10).

Each cell: what was paid, how it is recorded, where its money lies afterwards, and what the person is told.
"""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from domain.commands import Dispute, FinalizePayment, SettleReview
from domain.entities import PaymentOutcome, Provider, ReviewAction
from domain.money import Money
from tests.fixtures.postgres import Database
from tests.storage.shop import ALICE, BOB, Desk, open_desk

STARS = Money(150, "XTR")

_STATE = """
    SELECT p.outcome, r.action, r.settled_by,
        (SELECT coalesce(sum(credits - debits), 0)::int FROM accounts WHERE kind = 'balance' AND owner = 1001),
        (SELECT coalesce(sum(credits - debits), 0)::int FROM accounts WHERE kind = 'suspense'),
        (SELECT count(*)::int FROM periods),
        (SELECT string_agg(kind, ' ' ORDER BY id) FROM outbox WHERE id > %s)
    FROM payments p LEFT JOIN reviews r ON r.payment_id = p.id ORDER BY p.id DESC LIMIT 1
"""
_ZERO = "SELECT DISTINCT sum(credits - debits)::int FROM accounts GROUP BY currency"


@dataclass(frozen=True, slots=True)
class Case:
    """A payment of a month in Stars (150, worth 199 roubles) that is not as asked."""

    amount: Money = STARS
    payer: int | None = ALICE.id
    later: timedelta = timedelta(0)
    again: bool = False
    unknown: bool = False


@dataclass(frozen=True, slots=True)
class End:
    """Where it ends: action None is open, for an operator; balance and suspense are what they hold."""

    outcome: PaymentOutcome
    action: str | None
    balance: int
    suspense: int
    periods: int
    told: str


MATRIX = {
    "exact": (Case(), End(PaymentOutcome.ACCEPTED, None, 0, 0, 1, "paid")),
    "underpaid": (
        Case(Money(149, "XTR")),
        End(PaymentOutcome.UNDERPAID, "credit", 19767, 0, 0, "credited"),
    ),
    "overpaid": (
        Case(Money(151, "XTR")),
        End(PaymentOutcome.OVERPAID, "grant", 132, 0, 1, "paid credited"),
    ),
    "wrong currency": (
        Case(Money(150, "RUB")),
        End(PaymentOutcome.WRONG_CURRENCY, None, 0, 150, 0, "under_review"),
    ),
    "late": (Case(later=timedelta(hours=3)), End(PaymentOutcome.LATE, "grant", 0, 0, 1, "paid")),
    "paid twice": (
        Case(again=True),
        End(PaymentOutcome.DUPLICATE, "credit", 19900, 0, 1, "credited"),
    ),
    "by another": (
        Case(payer=BOB.id),
        End(PaymentOutcome.BY_ANOTHER, "grant", 0, 0, 1, "paid paid_for_another"),
    ),
    "by a stranger": (Case(payer=777), End(PaymentOutcome.ACCEPTED, None, 0, 0, 1, "paid")),
    "unknown invoice": (
        Case(unknown=True),
        End(PaymentOutcome.UNKNOWN_PURCHASE, None, 0, 150, 0, "under_review"),
    ),
    "unknown invoice by a stranger": (
        Case(unknown=True, payer=777),
        End(PaymentOutcome.UNKNOWN_PURCHASE, None, 0, 150, 0, ""),
    ),
}


async def pay(desk: Desk, case: Case, provider: Provider) -> int:
    """Have a month invoiced and paid as the case says; gives the last message before that payment."""
    await desk.start(provider, person=BOB)
    purchase = await desk.start(provider)
    price = case.amount if provider is Provider.STARS else _as_roubles(case.amount)
    if case.again:
        await desk.do(_payment(provider, "first", purchase.price, purchase.purchase_id, ALICE.id))
    desk.now += case.later
    number = None if case.unknown else purchase.purchase_id
    since = await desk.value("SELECT coalesce(max(id), 0) FROM outbox")
    await desk.do(_payment(provider, "charge", price, number, case.payer))
    return int(since)


def _as_roubles(amount: Money) -> Money:
    """The same deviation of a price in roubles; a wrong currency is dollars there."""
    return Money(amount.minor * 19900 // 150, "RUB") if amount.currency == "XTR" else Money(150, "USD")


def _payment(
    provider: Provider, charge: str, amount: Money, purchase: int | None, payer: int | None
) -> FinalizePayment:
    return FinalizePayment(
        provider=provider, charge_id=charge, amount=amount, purchase_id=purchase, payer=payer
    )


async def state(desk: Desk, since: int) -> End:
    """How the last payment stands."""
    cursor = await desk.writer.connection.execute(_STATE.encode(), [since])
    [(outcome, action, by, balance, suspense, periods, told)] = await cursor.fetchall()
    assert (by is None) == (action is None)
    return End(PaymentOutcome(outcome), action, balance, suspense, periods, told or "")


@pytest.mark.requirement("F10")
@pytest.mark.parametrize("provider", [Provider.STARS, Provider.CARDS, Provider.CRYPTOPAY])
@pytest.mark.parametrize("name", MATRIX)
async def test_whatever_was_paid_is_recorded_told_and_settled_or_open(
    database: Database, name: str, provider: Provider
) -> None:
    case, expected = MATRIX[name]
    async with open_desk(database.writer) as desk:
        since = await pay(desk, case, provider)
        found = await state(desk, since)

        assert (found.outcome, found.action, found.periods, found.told) == (
            expected.outcome,
            expected.action,
            expected.periods,
            expected.told,
        )
        if provider is Provider.STARS:
            assert (found.balance, found.suspense) == (expected.balance, expected.suspense)
        assert await desk.rows(_ZERO) == [(0,)]


OPEN = [name for name, (_, end) in MATRIX.items() if end.action is None and end.outcome != "accepted"]


@pytest.mark.requirement("F10")
@pytest.mark.parametrize("action", list(ReviewAction))
@pytest.mark.parametrize("name", OPEN)
async def test_what_is_open_is_settled_in_one_step_by_any_action(
    database: Database, name: str, action: ReviewAction
) -> None:
    case, _ = MATRIX[name]
    async with open_desk(database.writer) as desk:
        await pay(desk, case, Provider.STARS)
        payment = await desk.value("SELECT max(id) FROM payments")
        worth = case.amount if case.amount.currency == "RUB" else Money(19900, "RUB")
        settle = SettleReview(
            request="1",
            by="olga",
            reason="asked in support",
            payment_id=payment,
            action=action,
            user_id=ALICE.id,
            amount=worth,
            item="plan:month",
        )
        verdict = await desk.do(settle)
        again = await desk.do(settle)

        assert verdict.done, verdict.why
        assert again == verdict, "a repeat of the request gets its first answer"
        found = await state(desk, 0)
        assert found.action == action
        refunds = await desk.rows("SELECT state FROM refunds")
        done = {
            ReviewAction.CREDIT: found.balance == worth.minor,
            ReviewAction.GRANT: found.periods == 1,
            ReviewAction.REFUND: refunds == [("asked",)],
            ReviewAction.IGNORE: case.payer != ALICE.id or "review_closed" in found.told,
        }
        assert done[action]
        assert (found.suspense == 0) is (action is not ReviewAction.REFUND)
        assert await desk.rows(_ZERO) == [(0,)]


@pytest.mark.parametrize(("name", "whose"), [("exact", ALICE.id), ("by a stranger", ALICE.id)])
async def test_a_dispute_is_put_up_whoever_paid_and_lost_it_goes_back(
    database: Database, name: str, whose: int
) -> None:
    case, _ = MATRIX[name]
    async with open_desk(database.writer) as desk:
        await pay(desk, case, Provider.CARDS)
        payment = await desk.value("SELECT max(id) FROM payments")
        verdict = await desk.do(Dispute(request="1", by="olga", reason="chargeback", payment_id=payment))

        assert verdict.done, verdict.why
        assert await desk.rows("SELECT reason, action, user_id FROM reviews") == [("disputed", None, whose)]
        lost = SettleReview(
            request="2", by="olga", reason="lost", payment_id=payment, action=ReviewAction.REFUND
        )
        assert (await desk.do(lost)).done
        assert await desk.rows("SELECT state FROM refunds") == [("asked",)]
