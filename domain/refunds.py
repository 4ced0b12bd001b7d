"""Refunds: asked for, done by the provider (or by hand), and what was paid for taken back by a written policy (F11).

The policy is a table in docs/money.md. The provider is asked first; only when the money is on its way back is anything
taken, in one transaction with the ledger's side of it.
"""

from msgspec.structs import replace

from domain import messages
from domain.booking import record_payment
from domain.commands import AskRefund, RecordRefund, RefuseRefund, Verdict
from domain.draft import Draft
from domain.entities import (
    SHOP,
    Account,
    AccountKind,
    Payment,
    PaymentOutcome,
    PeriodCause,
    Provider,
    Purchase,
    PurchaseKind,
    PurchaseStatus,
    Refund,
    RefundState,
    Review,
    ReviewAction,
)
from domain.ledger import clearing, draw_balance, move
from domain.limits import take_traffic
from domain.money import Money
from domain.outbox import done, tell
from domain.periods import take_time
from domain.referrals import take_back


def ask_refund(command: AskRefund, draft: Draft) -> Verdict:
    """Note that a payment shall go back. What came from a balance goes back at once, the rest once it is done."""
    payment = draft.payment(command.payment_id)
    if payment is None:
        return Verdict(False, f"there is no payment {command.payment_id}")
    known = draft.rows.refunds.get(payment.id)
    if known is not None and known.state is not RefundState.REFUSED:
        return Verdict(False, f"the refund of payment {payment.id} is {known.state} already")
    draft.rows.refunds.put(
        Refund(payment.id, RefundState.ASKED, command.by, command.reason, draft.now, trace=draft.trace)
    )
    if payment.provider is Provider.BALANCE:
        _carry_out(draft, payment, command.by)
    return Verdict(True)


def record_refund(command: RecordRefund, draft: Draft) -> bool:
    """Take back what a refunded charge had paid for; once, whoever hears of it first."""
    done(draft, command.update_id)
    payment = draft.rows.payments.get((command.provider, command.charge_id))
    if payment is None:
        purchase = None if command.purchase_id is None else draft.rows.purchases.get(command.purchase_id)
        payment = record_payment(
            draft,
            command.provider,
            command.charge_id,
            command.amount,
            command.payer,
            purchase,
            PaymentOutcome.UNKNOWN_PURCHASE,
        )
    known = draft.rows.refunds.get(payment.id)
    if known is not None and known.state is RefundState.DONE:
        return False
    _carry_out(draft, payment, command.by)
    return True


def refuse_refund(command: RefuseRefund, draft: Draft) -> None:
    """Note that the provider will not do it: the refund can be asked for again, a review is open again."""
    known = draft.rows.refunds.get(command.payment_id)
    if known is None or known.state is not RefundState.ASKED:
        return
    draft.rows.refunds.put(
        replace(known, state=RefundState.REFUSED, error=command.error, settled_at=draft.now)
    )
    review = draft.rows.reviews.get(command.payment_id)
    if review is not None and review.action is ReviewAction.REFUND:
        draft.rows.reviews.put(
            replace(review, action=None, settled_by=None, settled_at=None, note=command.error)
        )


def _carry_out(draft: Draft, payment: Payment, by: str) -> None:
    review = draft.rows.reviews.get(payment.id)
    purchase = _given(draft, payment, review)
    shortage = _return_money(draft, payment, purchase, review)
    if purchase is not None:
        _take_what_was_given(draft, payment, purchase)
    known = draft.rows.refunds.get(payment.id)
    asked = known or Refund(payment.id, RefundState.ASKED, by, "", draft.now, trace=draft.trace)
    draft.rows.refunds.put(
        replace(asked, state=RefundState.DONE, settled_at=draft.now, error=None, shortage=shortage)
    )
    if review is not None and review.action is None:
        draft.rows.reviews.put(
            replace(review, action=ReviewAction.REFUND, settled_by=by, settled_at=draft.now)
        )
    whose = purchase.user_id if purchase else (review and review.user_id) or payment.user_id
    if whose is not None and draft.rows.users.get(whose) is not None:
        told = messages.Refunded(amount=payment.amount, title=purchase.title if purchase else None)
        tell(draft, whose, f"refund:{payment.id}", told)


def _given(draft: Draft, payment: Payment, review: Review | None) -> Purchase | None:
    """The purchase that was given for the payment, None if none was."""
    by_operator = None if review is None else review.purchase_id
    number = payment.purchase_id if payment.outcome.settles else by_operator
    return None if number is None else draft.rows.purchases.get(number)


def _return_money(
    draft: Draft, payment: Payment, purchase: Purchase | None, review: Review | None
) -> Money | None:
    """Move the payment's money from where it lies back to where it came from; returns what is missing of it."""
    target = clearing(draft, payment.provider, payment.amount.currency, payment.user_id or SHOP)
    if purchase is None:
        if review is not None and review.credit is not None:
            assert review.user_id is not None, "who was credited is known"
            return draw_balance(
                draft, review.user_id, review.credit, target, payment.amount, "refund", payment.id
            )
        move(draft, _kept_in(draft, payment, review), target, payment.amount, "refund", payment.id)
        return None
    part, excess = payment.amount, None
    if payment.outcome is PaymentOutcome.OVERPAID:
        part, excess = purchase.price, payment.amount - purchase.price
    missing = _return_price(draft, payment, purchase, part)
    if excess is None:
        return missing
    if review is None or review.credit is None or review.user_id is None:
        move(draft, _kept_in(draft, payment, review), target, excess, "refund_excess", payment.id)
        return missing
    also = draw_balance(draft, review.user_id, review.credit, target, excess, "refund_excess", payment.id)
    return missing if also is None else also if missing is None else missing + also


def _kept_in(draft: Draft, payment: Payment, review: Review | None) -> Account:
    """Where the money lies that nothing was given for."""
    ignored = review is not None and review.action is ReviewAction.IGNORE
    kind = AccountKind.UNCLAIMED if ignored else AccountKind.SUSPENSE
    return draft.account(kind, payment.amount.currency)


def _return_price(draft: Draft, payment: Payment, purchase: Purchase, part: Money) -> Money | None:
    target = clearing(draft, payment.provider, payment.amount.currency, payment.user_id or SHOP)
    if purchase.credit is not None:
        return draw_balance(draft, purchase.user_id, purchase.credit, target, part, "refund", payment.id)
    refunds = draft.account(AccountKind.REFUNDS, part.currency)
    move(draft, refunds, target, part, "refund", payment.id)
    return None


def _take_what_was_given(draft: Draft, payment: Payment, purchase: Purchase) -> None:
    draft.rows.purchases.put(replace(purchase, status=PurchaseStatus.REFUNDED))
    take_back(draft, payment)
    seconds, holder = purchase.duration_seconds, purchase.user_id
    if purchase.kind is PurchaseKind.GIFT:
        gift = draft.rows.gifts.get(purchase.gift_code or "")
        assert gift is not None, "a paid gift has its code"
        draft.rows.gifts.put(replace(gift, void_at=draft.now))
        if gift.redeemed_by is None:
            return
        holder = gift.redeemed_by
    if seconds is not None:
        take_time(draft, holder, seconds, PeriodCause.REFUND, payment.id)
    take_traffic(draft, holder, purchase.traffic)
    subscription = draft.rows.subscriptions.get(purchase.user_id)
    if purchase.kind in (PurchaseKind.PLAN, PurchaseKind.RENEWAL) and subscription is not None:
        # Or the balance would be charged again for what was just given back.
        draft.rows.subscriptions.put(replace(subscription, auto_renewal=False))
