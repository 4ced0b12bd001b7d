"""Selling: fixing the terms of a purchase, and taking the money that settles it."""

from dataclasses import replace
from datetime import timedelta

from domain import messages
from domain.access import extend
from domain.catalogue import Plan, TopUp
from domain.commands import (
    AttachInvoice,
    FinalizePayment,
    PayFromBalance,
    PurchaseStarted,
    Receipt,
    ReportUnavailable,
    StartPurchase,
)
from domain.draft import Draft
from domain.entities import (
    SHOP,
    Account,
    AccountKind,
    Payment,
    PaymentOutcome,
    Provider,
    Purchase,
    PurchaseKind,
    PurchaseStatus,
)
from domain.ledger import clearing, move
from domain.money import Money
from domain.outbox import done, tell
from domain.people import balance_of, meet


def start_purchase(command: StartPurchase, draft: Draft) -> PurchaseStarted | None:
    """Fix price and terms from the catalogue as it is now; what is paid later is measured against these."""
    user = meet(draft, command.person)
    item = draft.catalogue.find(command.item)
    topping_up_from_itself = isinstance(item, TopUp) and command.provider is Provider.BALANCE
    if item is None or topping_up_from_itself:
        tell(draft, user.id, f"update:{command.update_id}", messages.NotForSale(replaces=command.replaces))
        done(draft, command.update_id)
        return None
    purchase = draft.rows.purchases.put(_terms(draft, user.id, command.item, item, command.provider))
    message = _invoice_message(draft, purchase, command.replaces)
    if message is not None:
        tell(draft, user.id, f"update:{command.update_id}", message)
        done(draft, command.update_id)
    title = draft.catalogue.title_in(user.language or "", purchase.title)
    return PurchaseStarted(purchase.id, title, purchase.price)


def _terms(draft: Draft, user_id: int, name: str, item: Plan | TopUp, provider: Provider) -> Purchase:
    plan = item if isinstance(item, Plan) else None
    asked = item.stars if provider is Provider.STARS else item.price
    return Purchase(
        id=draft.new_id("purchases"),
        user_id=user_id,
        kind=PurchaseKind.TOP_UP if plan is None else PurchaseKind.PLAN,
        item=name,
        title=item.title,
        provider=provider,
        price=asked,
        duration_seconds=None if plan is None else int(plan.duration.total_seconds()),
        credit=item.price if plan is None else None,
        status=PurchaseStatus.INVOICED,
        created_at=draft.now,
    )


def _invoice_message(draft: Draft, purchase: Purchase, replaces: int | None) -> messages.Message | None:
    match purchase.provider:
        case Provider.STARS:
            return messages.StarsInvoice(purchase_id=purchase.id, title=purchase.title, price=purchase.price)
        case Provider.BALANCE:
            return messages.ConfirmBalance(
                purchase_id=purchase.id,
                title=purchase.title,
                price=purchase.price,
                balance=balance_of(draft, purchase.user_id),
                replaces=replaces,
            )
        case Provider.CRYPTOPAY:
            return None


def attach_invoice(command: AttachInvoice, draft: Draft) -> None:
    """Keep the provider's invoice with the purchase and send its address."""
    purchase = draft.rows.purchases.get(command.purchase_id)
    assert purchase is not None, "an invoice is made for a purchase of ours"
    draft.rows.purchases.put(replace(purchase, invoice_id=command.invoice_id, invoice_url=command.url))
    message = messages.CryptoInvoice(
        purchase_id=purchase.id,
        title=purchase.title,
        price=purchase.price,
        url=command.url,
        replaces=command.replaces,
    )
    tell(draft, purchase.user_id, f"update:{command.update_id}", message)
    done(draft, command.update_id)


def report_unavailable(command: ReportUnavailable, draft: Draft) -> None:
    """Say that no invoice could be made; the purchase stays unpaid and harms nobody."""
    purchase = draft.rows.purchases.get(command.purchase_id)
    assert purchase is not None, "an invoice is asked for a purchase of ours"
    message = messages.ProviderUnavailable(title=purchase.title, replaces=command.replaces)
    tell(draft, purchase.user_id, f"update:{command.update_id}", message)
    done(draft, command.update_id)


def finalize(command: FinalizePayment, draft: Draft) -> Receipt:
    """Take a provider's payment: accepted if it settles its purchase to the unit, else kept in suspense (F10)."""
    done(draft, command.update_id)
    known = draft.rows.payments.get((command.provider, command.charge_id))
    if known is not None:
        return Receipt(known.id, known.outcome)
    purchase = None if command.purchase_id is None else draft.rows.purchases.get(command.purchase_id)
    outcome = _judge(command, purchase)
    payment = _record(
        draft, command.provider, command.charge_id, command.amount, command.payer, purchase, outcome
    )
    if outcome is PaymentOutcome.ACCEPTED:
        assert purchase is not None, "only a purchase can be settled"
        _give(draft, purchase, payment)
    else:
        told = command.payer if command.payer is not None else purchase.user_id if purchase else None
        if told is not None and draft.rows.users.get(told) is not None:
            review = messages.UnderReview(amount=command.amount, reason=outcome)
            tell(draft, told, f"payment:{payment.id}", review)
    return Receipt(payment.id, outcome)


def _judge(command: FinalizePayment, purchase: Purchase | None) -> PaymentOutcome:
    if purchase is None or purchase.provider is not command.provider:
        return PaymentOutcome.UNKNOWN_PURCHASE
    if purchase.price.currency != command.amount.currency:
        return PaymentOutcome.WRONG_CURRENCY
    if purchase.status is PurchaseStatus.PAID:
        return PaymentOutcome.DUPLICATE
    if command.amount < purchase.price:
        return PaymentOutcome.UNDERPAID
    if purchase.price < command.amount:
        return PaymentOutcome.OVERPAID
    return PaymentOutcome.ACCEPTED


def pay_from_balance(command: PayFromBalance, draft: Draft) -> Receipt | None:
    """Pay one's own purchase from the balance: all of it in one decision, or nothing (F6, R7)."""
    user = meet(draft, command.person)
    done(draft, command.update_id)
    purchase = draft.rows.purchases.get(command.purchase_id)
    if purchase is None or purchase.user_id != user.id or purchase.provider is not Provider.BALANCE:
        refusal: messages.Message = messages.NotForSale(replaces=command.replaces)
    elif purchase.status is PurchaseStatus.PAID:
        refusal = messages.AlreadyPaid(title=purchase.title, replaces=command.replaces)
    elif (balance := _held(draft, user.id, purchase.price.currency)) < purchase.price:
        missing = purchase.price - balance
        refusal = messages.NotEnough(title=purchase.title, missing=missing, replaces=command.replaces)
    else:
        payment = _record(
            draft,
            Provider.BALANCE,
            f"purchase:{purchase.id}",
            purchase.price,
            user.id,
            purchase,
            PaymentOutcome.ACCEPTED,
        )
        _give(draft, purchase, payment, replaces=command.replaces)
        return Receipt(payment.id, payment.outcome)
    tell(draft, user.id, f"update:{command.update_id}", refusal)
    return None


def _held(draft: Draft, user_id: int, currency: str) -> Money:
    """The user's balance in the currency of a purchase, which may be older than the shop's present currency."""
    return draft.account(AccountKind.BALANCE, currency, user_id).balance


def _record(
    draft: Draft,
    provider: Provider,
    charge_id: str,
    amount: Money,
    payer: int | None,
    purchase: Purchase | None,
    outcome: PaymentOutcome,
) -> Payment:
    """Write the payment with its one transfer: to where its outcome says the money belongs."""
    payment_id = draft.new_id("payments")
    source = clearing(draft, provider, amount.currency, payer or SHOP)
    target = _destination(draft, purchase, amount, outcome)
    transfer = move(draft, source, target, amount, "payment", payment_id)
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


def _destination(draft: Draft, purchase: Purchase | None, amount: Money, outcome: PaymentOutcome) -> Account:
    """Where a payment's money belongs: suspense, the user's balance, the exchange (other currency), or revenue."""
    if purchase is None or outcome is not PaymentOutcome.ACCEPTED:
        return draft.account(AccountKind.SUSPENSE, amount.currency)
    if purchase.credit is None:
        return draft.account(AccountKind.REVENUE, amount.currency)
    if purchase.credit.currency == amount.currency:
        return draft.account(AccountKind.BALANCE, amount.currency, purchase.user_id)
    return draft.account(AccountKind.EXCHANGE, amount.currency)


def _give(draft: Draft, purchase: Purchase, payment: Payment, replaces: int | None = None) -> None:
    """Give what a settled purchase promises, and say so."""
    draft.rows.purchases.put(replace(purchase, status=PurchaseStatus.PAID, paid_at=draft.now))
    if purchase.credit is not None:
        message: messages.Message = _credit(draft, purchase, purchase.credit, payment)
    else:
        assert purchase.duration_seconds is not None, "a purchase gives money or time"
        duration = timedelta(seconds=purchase.duration_seconds)
        subscription, grant = extend(draft, purchase.user_id, purchase.title, duration)
        message = messages.Paid(
            title=purchase.title,
            price=purchase.price,
            expires_at=subscription.expires_at,
            connecting=not grant.ready,
            replaces=replaces,
        )
    tell(draft, purchase.user_id, f"payment:{payment.id}", message)


def _credit(draft: Draft, purchase: Purchase, credit: Money, payment: Payment) -> messages.ToppedUp:
    """Add a top-up to the balance; one paid in another currency comes out of the exchange account (F9)."""
    if credit.currency != payment.amount.currency:
        source = draft.account(AccountKind.EXCHANGE, credit.currency)
        target = draft.account(AccountKind.BALANCE, credit.currency, purchase.user_id)
        move(draft, source, target, credit, "conversion", payment.id)
    return messages.ToppedUp(credit=credit, balance=balance_of(draft, purchase.user_id))
