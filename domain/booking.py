"""Booking a payment: the row of it, and the one transfer that says where its money lies (I7)."""

from domain.draft import Draft
from domain.entities import (
    SHOP,
    Account,
    AccountKind,
    Payment,
    PaymentOutcome,
    Provider,
    Purchase,
    Transfer,
)
from domain.ledger import clearing, credit_balance, move
from domain.money import Money


def record_payment(
    draft: Draft,
    provider: Provider,
    charge_id: str,
    amount: Money,
    payer: int | None,
    purchase: Purchase | None,
    outcome: PaymentOutcome,
) -> Payment:
    """Write the payment with its one transfer: to where its outcome says the money belongs (I7)."""
    payment_id = draft.new_id("payments")
    source = clearing(draft, provider, amount.currency, payer or SHOP)
    if purchase is not None and outcome.settles and outcome is not PaymentOutcome.OVERPAID:
        transfer = book(draft, purchase, source, amount, "payment", payment_id)
    else:
        suspense = draft.account(AccountKind.SUSPENSE, amount.currency)
        transfer = move(draft, source, suspense, amount, "payment", payment_id)
        if purchase is not None and outcome is PaymentOutcome.OVERPAID:
            book(draft, purchase, suspense, purchase.price, "sale", payment_id)
    return draft.rows.payments.put(
        Payment(
            id=payment_id,
            provider=provider,
            charge_id=charge_id,
            purchase_id=None if purchase is None else purchase.id,
            user_id=payer,
            amount=amount,
            outcome=outcome,
            transfer_id=transfer.id,
            created_at=draft.now,
            trace=draft.trace,
        )
    )


def book(
    draft: Draft, purchase: Purchase, source: Account, amount: Money, cause: str, cause_id: int
) -> Transfer:
    """Move the money of a purchase to where it belongs: the user's balance for a top-up, else revenue."""
    if purchase.credit is not None:
        return credit_balance(draft, source, amount, purchase.user_id, purchase.credit, cause, cause_id)
    return move(draft, source, draft.account(AccountKind.REVENUE, amount.currency), amount, cause, cause_id)
