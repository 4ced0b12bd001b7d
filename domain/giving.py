"""Giving what a settled purchase promises: money, time or a gift, with what follows from it, and saying so (F1, F2)."""

from msgspec.structs import replace

from domain import messages
from domain.allowance import Terms
from domain.draft import Draft
from domain.entities import Payment, PeriodCause, Purchase, PurchaseKind, PurchaseStatus
from domain.gifts import wrap
from domain.grants import is_delayed
from domain.outbox import tell
from domain.people import balance_of
from domain.periods import Bought, give_time
from domain.promos import consume
from domain.referrals import earn


def give(
    draft: Draft,
    purchase: Purchase,
    payment: Payment,
    *,
    cause: PeriodCause = PeriodCause.PAYMENT,
    replaces: int | None = None,
) -> None:
    """Give what a purchase promises for a payment whose money is booked; `cause` says if an operator decided it."""
    purchase = consume(draft, purchase)
    purchase = draft.rows.purchases.put(replace(purchase, status=PurchaseStatus.PAID, paid_at=draft.now))
    message: messages.Message
    match purchase.kind:
        case PurchaseKind.TOP_UP:
            assert purchase.credit is not None, "a top-up gives money"
            balance = balance_of(draft, purchase.user_id)
            message = messages.ToppedUp(credit=purchase.credit, balance=balance)
        case PurchaseKind.GIFT:
            gift = wrap(draft, purchase)
            message = messages.GiftReady(title=purchase.title, price=purchase.price, code=gift.code)
        case PurchaseKind.PLAN | PurchaseKind.RENEWAL:
            message = _extend(draft, purchase, payment, cause, replaces)
    tell(draft, purchase.user_id, f"payment:{payment.id}", message)
    if purchase.kind is not PurchaseKind.TOP_UP:
        _count(draft, purchase)
        earn(draft, purchase, payment)


def _extend(
    draft: Draft, purchase: Purchase, payment: Payment, cause: PeriodCause, replaces: int | None
) -> messages.Message:
    seconds = purchase.duration_seconds
    assert seconds is not None, "a plan gives time"
    plan = draft.catalogue.find(purchase.item)
    full_price = purchase.value if plan is None else plan.price
    subscription, grant = give_time(
        draft,
        purchase.user_id,
        seconds,
        cause,
        payment.id,
        title=purchase.title,
        bought=Bought(purchase.item, full_price, seconds, purchase.recurring or purchase.renews is not None),
        terms=Terms(purchase.traffic, purchase.devices),
    )
    if purchase.kind is PurchaseKind.RENEWAL and purchase.renews is None:
        return messages.Renewed(
            title=purchase.title,
            price=purchase.price,
            expires_at=subscription.expires_at,
            balance=balance_of(draft, purchase.user_id),
        )
    return messages.Paid(
        title=purchase.title,
        price=purchase.price,
        expires_at=subscription.expires_at,
        connecting=not grant.ready,
        delayed=is_delayed(draft, grant),
        replaces=replaces,
    )


def _count(draft: Draft, purchase: Purchase) -> None:
    user = draft.rows.users.get(purchase.user_id)
    assert user is not None, "who bought is known"
    draft.rows.users.put(replace(user, paid_purchases=user.paid_purchases + 1))
