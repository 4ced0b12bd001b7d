"""Renewing from the balance (F3): once for a period, at the price of the subscriber's own plan.

Nothing but the money changes hands where the balance is short, so topping up is enough to have it tried again (F6).
"""

from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from domain import messages
from domain.booking import record_payment
from domain.catalogue import Plan
from domain.commands import AutoRenew, Renewal, SetAutoRenewal
from domain.draft import Draft
from domain.entities import (
    PaymentOutcome,
    Provider,
    Purchase,
    PurchaseKind,
    PurchaseStatus,
    Subscription,
    SubscriptionStatus,
    User,
)
from domain.giving import give
from domain.outbox import done, tell
from domain.people import balance_of, meet

#: How long before its end a subscription is renewed; half of its length where that is less.
RENEWAL_WINDOW: Final = timedelta(hours=12)

#: The switch of the worker that renews.
AUTO_RENEWAL: Final = "auto_renewal"


def auto_renew(command: AutoRenew, draft: Draft) -> Renewal:
    """Renew one subscription if it is due now, in the writer's own order (F4)."""
    subscription = draft.subscription(command.subscription_id)
    return Renewal.NOT_DUE if subscription is None else renew(draft, subscription)


def renews_at(subscription: Subscription) -> datetime | None:
    """From when on it is renewed from the balance; None if it is not, as while Stars pay for it every month."""
    if not subscription.auto_renewal or subscription.trial or subscription.recurring:
        return None
    if subscription.renewal_seconds is None:
        return None
    half = timedelta(seconds=subscription.renewal_seconds // 2)
    return subscription.expires_at - min(RENEWAL_WINDOW, half)


def renew(draft: Draft, subscription: Subscription) -> Renewal:
    """Debit the balance and extend, or tell what is missing, once for each period."""
    due_at = renews_at(subscription)
    if subscription.status is not SubscriptionStatus.ACTIVE or due_at is None or draft.now < due_at:
        return Renewal.NOT_DUE
    if (order := order_of(draft, subscription)) is None:
        return Renewal.NOT_DUE
    balance = balance_of(draft, subscription.user_id)
    if balance < order.price:
        short = messages.RenewalShort(
            title=order.title,
            price=order.price,
            missing=order.price - balance,
            expires_at=subscription.expires_at,
        )
        tell(draft, subscription.user_id, f"renewal_short:{_period(subscription)}", short)
        return Renewal.SHORT
    extend_from_balance(draft, replace(subscription, last_auto_renewal_at=draft.now), order)
    return Renewal.RENEWED


def extend_from_balance(draft: Draft, subscription: Subscription, order: Purchase) -> None:
    """Debit the balance, which covers it, and extend; once for each end that a subscription has (F4)."""
    order = draft.rows.purchases.put(replace(order, id=draft.new_id("purchases")))
    draft.rows.subscriptions.put(subscription)
    payment = record_payment(
        draft,
        Provider.BALANCE,
        f"renewal:{_period(subscription)}",
        order.price,
        subscription.user_id,
        order,
        PaymentOutcome.ACCEPTED,
    )
    give(draft, order, payment)


def _period(subscription: Subscription) -> str:
    """Its number, not its end: after a refund the same end may come again, and that is another period."""
    return f"{subscription.id}:{subscription.periods}"


def order_of(draft: Draft, subscription: Subscription) -> Purchase | None:
    """The subscriber's own plan at its present price; at the price it was bought for if it is sold no more."""
    plan = draft.catalogue.find(subscription.item or "")
    price = plan.price if isinstance(plan, Plan) else subscription.renewal_price
    seconds = int(plan.duration.total_seconds()) if isinstance(plan, Plan) else subscription.renewal_seconds
    if price is None or price.currency != draft.catalogue.currency or subscription.item is None:
        return None
    return Purchase(
        id=0,  # numbered when it is made
        user_id=subscription.user_id,
        kind=PurchaseKind.RENEWAL,
        item=subscription.item,
        title=plan.title if isinstance(plan, Plan) else subscription.title,
        provider=Provider.BALANCE,
        price=price,
        duration_seconds=seconds,
        credit=None,
        status=PurchaseStatus.INVOICED,
        created_at=draft.now,
        value=price,
        traffic=plan.traffic if isinstance(plan, Plan) else subscription.renewal_traffic,
        devices=plan.devices if isinstance(plan, Plan) else subscription.devices,
    )


def set_auto_renewal(command: SetAutoRenewal, draft: Draft) -> None:
    """Switch the renewal on or off, and say what it means."""
    user = meet(draft, command.person)
    subscription = draft.rows.subscriptions.get(user.id)
    if subscription is not None:
        possible = order_of(draft, subscription) is not None
        draft.rows.subscriptions.put(replace(subscription, auto_renewal=command.on and possible))
    tell(draft, user.id, f"update:{command.update_id}", renewal_screen(draft, user, command.replaces))
    done(draft, command.update_id)


def renewal_screen(draft: Draft, user: User, replaces: int | None) -> messages.AutoRenewal:
    """Whether the person's subscription renews by itself, and for how much."""
    subscription = draft.rows.subscriptions.get(user.id)
    order = None if subscription is None else order_of(draft, subscription)
    if subscription is None or order is None:
        return messages.AutoRenewal(on=False, replaces=replaces)
    return messages.AutoRenewal(
        on=subscription.auto_renewal,
        monthly=subscription.recurring,
        paused=not draft.is_on(AUTO_RENEWAL),
        title=order.title,
        price=order.price,
        replaces=replaces,
    )
