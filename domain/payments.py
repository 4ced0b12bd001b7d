"""Taking money: comparing what was paid with what was asked, and booking it where it belongs (F1, F2, F5, F10).

The policy for each case is a table in docs/money.md. The default never keeps money without giving something for it.
"""

from msgspec.structs import replace

from domain import messages
from domain.booking import record_payment
from domain.commands import FinalizePayment, PayFromBalance, Receipt
from domain.draft import Draft
from domain.entities import (
    SHOP,
    AccountKind,
    PaymentOutcome,
    Provider,
    Purchase,
    PurchaseKind,
    PurchaseStatus,
)
from domain.giving import give
from domain.money import Money
from domain.outbox import done, tell
from domain.people import meet
from domain.promos import spent
from domain.reviews import review_by_rule
from domain.screens import ways_to_pay

_PAID = (PurchaseStatus.PAID, PurchaseStatus.REFUNDED)


def finalize(command: FinalizePayment, draft: Draft) -> Receipt:
    """Take a provider's payment, once: give what it settles, and put up for review what is not as asked."""
    done(draft, command.update_id)
    known = draft.rows.payments.get((command.provider, command.charge_id))
    if known is not None:
        return Receipt(known.id, known.outcome)
    purchase = None if command.purchase_id is None else draft.rows.purchases.get(command.purchase_id)
    if purchase is not None and command.repeated and purchase.recurring and purchase.status in _PAID:
        purchase = _next_period(draft, purchase)
    outcome = _judge(command, purchase, draft)
    payment = record_payment(
        draft, command.provider, command.charge_id, command.amount, command.payer, purchase, outcome
    )
    if outcome.settles:
        assert purchase is not None, "only a purchase can be settled"
        give(draft, purchase, payment)
        if outcome is PaymentOutcome.BY_ANOTHER:
            assert command.payer is not None, "another payer is known"
            told = messages.PaidForAnother(title=purchase.title, amount=command.amount)
            tell(draft, command.payer, f"payment:{payment.id}:payer", told)
    if outcome is not PaymentOutcome.ACCEPTED:
        review_by_rule(draft, payment, purchase)
    return Receipt(payment.id, outcome)


def _judge(command: FinalizePayment, purchase: Purchase | None, draft: Draft) -> PaymentOutcome:
    if purchase is None or purchase.provider is not command.provider:
        return PaymentOutcome.UNKNOWN_PURCHASE
    if purchase.price.currency != command.amount.currency:
        return PaymentOutcome.WRONG_CURRENCY
    if purchase.status in _PAID:
        return PaymentOutcome.DUPLICATE
    if command.amount < purchase.price or spent(draft, purchase):
        return PaymentOutcome.UNDERPAID
    if purchase.price < command.amount:
        return PaymentOutcome.OVERPAID
    if command.payer not in (None, purchase.user_id) and draft.rows.users.get(command.payer or SHOP):
        return PaymentOutcome.BY_ANOTHER
    if purchase.valid_until is not None and purchase.valid_until < (command.paid_at or draft.now):
        return PaymentOutcome.LATE
    return PaymentOutcome.ACCEPTED


def _next_period(draft: Draft, first: Purchase) -> Purchase:
    """A later charge of a Stars subscription buys the same terms again."""
    again = replace(
        first,
        id=draft.new_id("purchases"),
        kind=PurchaseKind.RENEWAL,
        status=PurchaseStatus.INVOICED,
        created_at=draft.now,
        invoice_id=None,
        invoice_url=None,
        paid_at=None,
        recurring=False,
        renews=first.id,
        valid_until=None,
    )
    return draft.rows.purchases.put(again)


def pay_from_balance(command: PayFromBalance, draft: Draft) -> Receipt | None:
    """Pay one's own purchase from the balance: all of it in one decision, or nothing (F6, R7)."""
    user = meet(draft, command.person)
    done(draft, command.update_id)
    purchase = draft.rows.purchases.get(command.purchase_id)
    if purchase is None or purchase.user_id != user.id or purchase.provider is not Provider.BALANCE:
        refusal: messages.Message = messages.NotForSale(replaces=command.replaces)
    elif purchase.status in _PAID:
        refusal = messages.AlreadyPaid(title=purchase.title, replaces=command.replaces)
    elif purchase.valid_until is not None and purchase.valid_until < draft.now:
        # Nothing was charged yet, so an old price need not be kept, as with an invoice that somebody else holds.
        refusal = ways_to_pay(draft, user, purchase.item, command.replaces)
    elif spent(draft, purchase):
        refusal = messages.CodeRefused(code=purchase.promo_code or "", reason="used_by_you")
    elif (balance := held(draft, user.id, purchase.price.currency)) < purchase.price:
        missing = purchase.price - balance
        refusal = messages.NotEnough(title=purchase.title, missing=missing, replaces=command.replaces)
    else:
        charge, outcome = f"purchase:{purchase.id}", PaymentOutcome.ACCEPTED
        payment = record_payment(draft, Provider.BALANCE, charge, purchase.price, user.id, purchase, outcome)
        give(draft, purchase, payment, replaces=command.replaces)
        return Receipt(payment.id, payment.outcome)
    tell(draft, user.id, f"update:{command.update_id}", refusal)
    return None


def held(draft: Draft, user_id: int, currency: str) -> Money:
    """The user's balance in the currency of a purchase, which may be older than the shop's present currency."""
    return draft.account(AccountKind.BALANCE, currency, user_id).balance
