"""Payments that were not as asked: settled by rule where there is one, else by an operator in one step (F10).

Until it is settled, the money lies in the suspense account, whole.
"""

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from domain import messages
from domain.booking import book
from domain.catalogue import Plan
from domain.commands import AskRefund, Dispute, SettleReview, Verdict
from domain.draft import Draft
from domain.entities import (
    AccountKind,
    Payment,
    PaymentOutcome,
    PeriodCause,
    Purchase,
    PurchaseKind,
    PurchaseStatus,
    RefundState,
    Review,
    ReviewAction,
)
from domain.giving import give
from domain.ledger import credit_balance, move
from domain.money import Money
from domain.outbox import tell
from domain.people import balance_of
from domain.refunds import ask_refund

#: Who settled what nobody had to look at.
RULE: Final = "rule"

DISPUTED: Final = "disputed"


def review_by_rule(draft: Draft, payment: Payment, purchase: Purchase | None) -> None:
    """Put up a payment that is not as asked, and settle it where a rule says how.

    Late and by another: honoured. Overpaid: honoured, and what is too much goes to the balance. Underpaid and paid
    twice: to the balance, at the price that the invoice had. What is left, an operator settles.
    """
    whose = _whose(draft, payment, purchase)
    review = Review(payment.id, payment.outcome.value, draft.now, user_id=whose)
    draft.rows.reviews.put(review)
    match payment.outcome:
        case PaymentOutcome.LATE | PaymentOutcome.BY_ANOTHER:
            _close(draft, review, ReviewAction.GRANT, RULE, None)
        case PaymentOutcome.OVERPAID:
            assert purchase is not None, "what was overpaid is known"
            _credit_by_rule(draft, review, payment, purchase, payment.amount - purchase.price, "excess")
        case PaymentOutcome.UNDERPAID | PaymentOutcome.DUPLICATE:
            assert purchase is not None, "what was paid wrongly is known"
            _credit_by_rule(draft, review, payment, purchase, payment.amount, "review")
        case _:
            if whose is not None:
                told = messages.UnderReview(amount=payment.amount, reason=review.reason)
                tell(draft, whose, f"review:{payment.id}", told)


def _whose(draft: Draft, payment: Payment, purchase: Purchase | None) -> int | None:
    """Who a payment belongs to: who paid, if we know them, else whose purchase it names."""
    if payment.user_id is not None and draft.rows.users.get(payment.user_id) is not None:
        return payment.user_id
    return None if purchase is None else purchase.user_id


def worth(purchase: Purchase | None, amount: Money) -> Money | None:
    """What an amount is worth in the shop's currency at the purchase's price; None where that cannot be told."""
    if purchase is None or purchase.value is None or purchase.price.currency != amount.currency:
        return None
    if purchase.value.currency == amount.currency:
        return amount
    minor = amount.minor * purchase.value.minor // purchase.price.minor
    return Money(minor, purchase.value.currency) if minor > 0 else None


def unsettled(draft: Draft, payment: Payment) -> Money:
    """What of a payment under review lies in suspense: all of it, but of an overpaid one only what is too much."""
    purchase = None if payment.purchase_id is None else draft.rows.purchases.get(payment.purchase_id)
    if payment.outcome is not PaymentOutcome.OVERPAID:
        return payment.amount
    assert purchase is not None, "what was overpaid is known"
    return payment.amount - purchase.price


def _credit_by_rule(
    draft: Draft, review: Review, payment: Payment, purchase: Purchase, part: Money, cause: str
) -> None:
    credit = worth(purchase, part)
    if credit is None or review.user_id is None:
        if review.user_id is not None:
            told = messages.UnderReview(amount=part, reason=review.reason)
            tell(draft, review.user_id, f"review:{payment.id}", told)
        return
    action = ReviewAction.GRANT if payment.outcome.settles else ReviewAction.CREDIT
    _credit(draft, review, part, review.user_id, credit, cause)
    _close(draft, replace(review, credit=credit), action, RULE, None)


def _credit(draft: Draft, review: Review, part: Money, user_id: int, credit: Money, cause: str) -> None:
    suspense = draft.account(AccountKind.SUSPENSE, part.currency)
    credit_balance(draft, suspense, part, user_id, credit, cause, review.payment_id)
    told = messages.Credited(
        amount=part, credit=credit, balance=balance_of(draft, user_id), reason=review.reason
    )
    tell(draft, user_id, f"review:{review.payment_id}:credit", told)


def _close(draft: Draft, review: Review, action: ReviewAction, by: str, note: str | None) -> Review:
    return draft.rows.reviews.put(
        replace(review, action=action, settled_by=by, note=note, settled_at=draft.now)
    )


def settle_review(command: SettleReview, draft: Draft) -> Verdict:
    """Carry out an operator's decision about a payment under review."""
    payment = draft.payment(command.payment_id)
    review = draft.rows.reviews.get(command.payment_id)
    if payment is None or review is None:
        return Verdict(False, f"payment {command.payment_id} is not under review")
    if review.action is not None:
        return Verdict(
            False, f"payment {payment.id} was settled already: {review.action}, by {review.settled_by}"
        )
    if review.reason == DISPUTED and command.action in (ReviewAction.CREDIT, ReviewAction.GRANT):
        return Verdict(False, "a disputed payment is settled by refund (it was lost) or ignore (it was won)")
    return _SETTLERS[command.action](draft, command, payment, review)


def _settle_by_credit(draft: Draft, command: SettleReview, payment: Payment, review: Review) -> Verdict:
    purchase = None if payment.purchase_id is None else draft.rows.purchases.get(payment.purchase_id)
    user_id = command.user_id or review.user_id
    if user_id is None or draft.rows.users.get(user_id) is None:
        return Verdict(False, "say whose balance it shall go to: a user who has written to the bot")
    part = unsettled(draft, payment)
    credit = command.amount or worth(purchase, part)
    if credit is None:
        return Verdict(False, f"say how much {part} are worth in {draft.catalogue.currency}")
    if credit.minor <= 0 or credit.currency != draft.catalogue.currency:
        return Verdict(False, f"expected a positive amount in {draft.catalogue.currency}, found {credit}")
    if credit.currency == part.currency and credit != part:
        return Verdict(False, f"the whole {part} is credited, not {credit}")
    settled = replace(review, user_id=user_id, credit=credit)
    _credit(draft, settled, part, user_id, credit, "review")
    _close(draft, settled, ReviewAction.CREDIT, command.by, command.reason)
    return Verdict(True)


def _settle_by_grant(draft: Draft, command: SettleReview, payment: Payment, review: Review) -> Verdict:
    if payment.outcome is PaymentOutcome.OVERPAID:
        return Verdict(
            False, f"what was ordered is given; credit the {unsettled(draft, payment)} that are too much"
        )
    purchase = _to_grant(draft, command, payment, review)
    if isinstance(purchase, Verdict):
        return purchase
    suspense = draft.account(AccountKind.SUSPENSE, payment.amount.currency)
    book(draft, purchase, suspense, payment.amount, "review", payment.id)
    give(draft, purchase, payment, cause=PeriodCause.REVIEW)
    granted = replace(review, user_id=purchase.user_id, purchase_id=purchase.id)
    _close(draft, granted, ReviewAction.GRANT, command.by, command.reason)
    return Verdict(True)


def _to_grant(draft: Draft, command: SettleReview, payment: Payment, review: Review) -> Purchase | Verdict:
    """The purchase that the payment names if it is unpaid, else a new one of the item that the operator names."""
    named = None if payment.purchase_id is None else draft.rows.purchases.get(payment.purchase_id)
    unpaid = named is not None and named.status in (PurchaseStatus.INVOICED, PurchaseStatus.LAPSED)
    if named is not None and unpaid and command.item is None:
        return named
    user_id = command.user_id or review.user_id
    if user_id is None or draft.rows.users.get(user_id) is None:
        return Verdict(False, "say who shall have it: a user who has written to the bot")
    plan = draft.catalogue.find(command.item or "")
    if not isinstance(plan, Plan):
        return Verdict(False, "say what to grant: one of the plans of the configuration")
    return draft.rows.purchases.put(
        Purchase(
            id=draft.new_id("purchases"),
            user_id=user_id,
            kind=PurchaseKind.PLAN,
            item=f"plan:{plan.id}",
            title=plan.title,
            provider=payment.provider,
            price=payment.amount,
            duration_seconds=int(plan.duration.total_seconds()),
            credit=None,
            status=PurchaseStatus.INVOICED,
            created_at=draft.now,
            value=plan.price,
            traffic=plan.traffic,
            devices=plan.devices,
        )
    )


def _settle_by_refund(draft: Draft, command: SettleReview, payment: Payment, review: Review) -> Verdict:
    asked = AskRefund(request=command.request, by=command.by, reason=command.reason, payment_id=payment.id)
    verdict = ask_refund(asked, draft)
    if verdict.done:
        _close(draft, review, ReviewAction.REFUND, command.by, command.reason)
    return verdict


def _settle_by_ignoring(draft: Draft, command: SettleReview, payment: Payment, review: Review) -> Verdict:
    if review.reason != DISPUTED:
        part = unsettled(draft, payment)
        unclaimed = draft.account(AccountKind.UNCLAIMED, part.currency)
        suspense = draft.account(AccountKind.SUSPENSE, part.currency)
        move(draft, suspense, unclaimed, part, "review", payment.id)
        if review.user_id is not None:
            told = messages.ReviewClosed(amount=part, note=command.reason)
            tell(draft, review.user_id, f"review:{payment.id}:closed", told)
    _close(draft, review, ReviewAction.IGNORE, command.by, command.reason)
    return Verdict(True)


_SETTLERS: Final[dict[ReviewAction, Callable[[Draft, SettleReview, Payment, Review], Verdict]]] = {
    ReviewAction.CREDIT: _settle_by_credit,
    ReviewAction.GRANT: _settle_by_grant,
    ReviewAction.REFUND: _settle_by_refund,
    ReviewAction.IGNORE: _settle_by_ignoring,
}


def dispute(command: Dispute, draft: Draft) -> Verdict:
    """Note that a payment is disputed at its provider; what it paid for stays until it is lost."""
    payment = draft.payment(command.payment_id)
    if payment is None:
        return Verdict(False, f"there is no payment {command.payment_id}")
    review = draft.rows.reviews.get(payment.id)
    if review is not None and review.action is None:
        return Verdict(False, f"payment {payment.id} is under review already ({review.reason}): settle that")
    if review is not None and review.action is ReviewAction.IGNORE:
        return Verdict(False, f"payment {payment.id} was ignored: nothing was given that could be lost")
    refund = draft.rows.refunds.get(payment.id)
    if refund is not None and refund.state is not RefundState.REFUSED:
        return Verdict(False, f"the refund of payment {payment.id} is {refund.state}")
    purchase = None if payment.purchase_id is None else draft.rows.purchases.get(payment.purchase_id)
    known = review or Review(payment.id, DISPUTED, draft.now, user_id=_whose(draft, payment, purchase))
    reopened = replace(
        known,
        reason=DISPUTED,
        opened_at=draft.now,
        action=None,
        settled_by=None,
        note=command.reason,
        settled_at=None,
    )
    draft.rows.reviews.put(reopened)
    return Verdict(True)
