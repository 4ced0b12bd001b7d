"""Promo codes: who may use one, what it takes off, and how its limits hold (F12).

An invoice holds a use of its code from the moment it is made, so 100 people at once cannot be promised the one use that
is left. A hold ends when the invoice lapses; a payment that comes later still gets what was promised.
"""

from typing import Final, TypedDict

from msgspec.structs import replace

from domain import messages
from domain.draft import Draft
from domain.entities import (
    AccountKind,
    Audience,
    PeriodCause,
    Promo,
    PromoKind,
    PromoUse,
    Purchase,
    PurchaseStatus,
    Redemption,
    SubscriptionStatus,
    User,
)
from domain.ledger import move
from domain.money import Money
from domain.periods import give_time

_DAY: Final = 86_400


class Discounted(TypedDict):
    """The price of a purchase after its promo code, in the currency that is paid and in the shop's."""

    price: Money
    value: Money


def promo_for(draft: Draft, user: User, item: str) -> Promo | messages.CodeRefused | None:
    """The code that the person has entered for their next purchase, or why it does not hold for this one.

    A code that is refused is forgotten, so that the next try is at the full price.
    """
    if user.promo_code is None:
        return None
    _let_go_of_the_earlier_invoice(draft, user)
    promo = draft.rows.promos.get(user.promo_code)
    reason = "unknown" if promo is None else refusal(draft, promo, user, item)
    if promo is not None and reason is None:
        return promo
    current = draft.rows.users.get(user.id) or user
    draft.rows.users.put(replace(current, promo_code=None))
    return messages.CodeRefused(code=user.promo_code, reason=reason or "unknown")


def refusal(
    draft: Draft, promo: Promo, user: User, item: str | None = None, *, own_holds: int = 0
) -> str | None:
    """Why a person may not use a code now, None if they may; `own_holds` of its uses they hold themselves."""
    subscription = draft.rows.subscriptions.get(user.id)
    subscriber = subscription is not None and subscription.status is SubscriptionStatus.ACTIVE
    use = draft.rows.promo_uses.get((promo.code, user.id))
    reasons = {
        "over": not promo.enabled or (promo.ends_at is not None and promo.ends_at <= draft.now),
        "not_yet": promo.starts_at is not None and draft.now < promo.starts_at,
        "used_up": promo.max_uses is not None and promo.taken - own_holds >= promo.max_uses,
        "used_by_you": use is not None and use.taken - own_holds >= promo.per_user,
        "first_purchase_only": promo.first_purchase_only and user.paid_purchases > 0,
        "subscribers_only": promo.audience is Audience.SUBSCRIBERS and not subscriber,
        "others_only": promo.audience is Audience.OTHERS and subscriber,
        "other_plan": None not in (promo.plan, item) and (item or "").partition(":")[2] != promo.plan,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def holds(draft: Draft, user: User, promo: Promo) -> int:
    """How many uses of a code the person's own open invoice holds."""
    purchase = None if user.promo_purchase is None else draft.rows.purchases.get(user.promo_purchase)
    return int(purchase is not None and purchase.promo_held and purchase.promo_code == promo.code)


def reduced(promo: Promo, value: Money, price: Money) -> Money:
    """What is left of a price, in any currency, of something worth `value` in the shop's.

    At least one minor unit; what is not whole is in the shop's favour.
    """
    if promo.percent is not None:
        left = value.minor - value.minor * promo.percent // 100
    else:
        assert promo.amount is not None, "a discount is a percentage or an amount"
        left = (value - promo.amount).minor
    return Money(-(-price.minor * max(left, 1) // value.minor), price.currency)


def discounted(promo: Promo, purchase: Purchase) -> Discounted:
    """What a purchase costs with the code."""
    value = purchase.value
    assert value is not None, "a purchase that is made now has its value"
    return {"price": reduced(promo, value, purchase.price), "value": reduced(promo, value, value)}


def hold(draft: Draft, promo: Promo, purchase: Purchase) -> Purchase:
    """Have an invoice hold one use of the code."""
    _take(draft, promo, purchase.user_id)
    user = draft.rows.users.get(purchase.user_id)
    assert user is not None, "who buys is known"
    draft.rows.users.put(replace(user, promo_purchase=purchase.id))
    return draft.rows.purchases.put(replace(purchase, promo_held=True))


def release(draft: Draft, purchase: Purchase) -> None:
    """Let an unpaid invoice lapse, and give back the use that it holds."""
    if purchase.promo_held:
        assert purchase.promo_code is not None, "what is held has a code"
        promo = draft.rows.promos.get(purchase.promo_code)
        use = draft.rows.promo_uses.get((purchase.promo_code, purchase.user_id))
        assert promo is not None, "the code of a purchase is there"
        assert use is not None, "who holds a use has taken one"
        draft.rows.promos.put(replace(promo, taken=promo.taken - 1))
        draft.rows.promo_uses.put(replace(use, taken=use.taken - 1))
    draft.rows.purchases.put(replace(purchase, status=PurchaseStatus.LAPSED, promo_held=False))


def spent(draft: Draft, purchase: Purchase) -> bool:
    """Whether the person has used up, elsewhere, what the invoice of theirs that lapsed promises once more.

    That others used a code up does not matter, the promise is kept; but nobody has it twice by keeping old invoices.
    """
    if purchase.promo_code is None or purchase.promo_held:
        return False
    use = draft.rows.promo_uses.get((purchase.promo_code, purchase.user_id))
    promo, user = draft.rows.promos.get(purchase.promo_code), draft.rows.users.get(purchase.user_id)
    assert promo is not None, "the code of a purchase is there"
    own_holds = 0 if user is None else holds(draft, user, promo)
    return use is not None and use.taken - own_holds >= use.allowed


def consume(draft: Draft, purchase: Purchase) -> Purchase:
    """Use up the code of a purchase that was paid; one whose invoice had lapsed is honoured, on top of the limit."""
    if purchase.promo_code is None:
        return purchase
    user, promo = draft.rows.users.get(purchase.user_id), draft.rows.promos.get(purchase.promo_code)
    assert promo is not None, "the code of a purchase is there"
    if not purchase.promo_held:
        if user is not None and holds(draft, user, promo):
            _let_go_of_the_earlier_invoice(draft, user)
        _honour(draft, promo.code, purchase.user_id)
    _note(draft, promo, purchase.user_id, purchase.id)
    if user is not None and user.promo_purchase == purchase.id:
        draft.rows.users.put(replace(user, promo_code=None, promo_purchase=None))
    return draft.rows.purchases.put(replace(purchase, promo_held=False))


def _honour(draft: Draft, code: str, user_id: int) -> None:
    """Take a use although none is held: within the limits of the code if there is one left, else on top of them."""
    promo, use = draft.rows.promos.get(code), draft.rows.promo_uses.get((code, user_id))
    assert promo is not None, "the code of a purchase is there"
    use = use or PromoUse(code, user_id, 0, promo.per_user)
    own_left = use.taken < use.allowed
    if own_left:
        draft.rows.promo_uses.put(replace(use, taken=use.taken + 1))
    if own_left and (promo.max_uses is None or promo.taken < promo.max_uses):
        draft.rows.promos.put(replace(promo, taken=promo.taken + 1))
    else:
        draft.rows.promos.put(replace(promo, honoured=promo.honoured + 1))


def use_now(draft: Draft, promo: Promo, user: User) -> messages.Message:
    """Choose a code for the next purchase, or have what it gives at once."""
    reason = refusal(draft, promo, user)
    if reason is not None:
        return messages.CodeRefused(code=promo.code, reason=reason)
    if promo.kind in (PromoKind.PERCENT, PromoKind.FIXED):
        draft.rows.users.put(replace(user, promo_code=promo.code))
        return messages.PromoChosen(code=promo.code, percent=promo.percent, amount=promo.amount)
    _take(draft, promo, user.id)
    redemption = _note(draft, promo, user.id, None)
    if promo.amount is not None:
        expense = draft.account(AccountKind.PROMO, promo.amount.currency)
        balance = draft.account(AccountKind.BALANCE, promo.amount.currency, user.id)
        move(draft, expense, balance, promo.amount, "promo", redemption.id)
        return messages.PromoRedeemed(code=promo.code, credit=promo.amount)
    assert promo.seconds is not None, "a code gives something off, money or time"
    known = draft.rows.subscriptions.get(user.id)
    subscription, _ = give_time(
        draft,
        user.id,
        promo.seconds,
        PeriodCause.PROMO,
        redemption.id,
        title=promo.code if known is None else known.title,
    )
    return messages.PromoRedeemed(
        code=promo.code, days=promo.seconds // _DAY, expires_at=subscription.expires_at
    )


def _let_go_of_the_earlier_invoice(draft: Draft, user: User) -> None:
    """A person who starts over does not compete with their own open invoice."""
    earlier = None if user.promo_purchase is None else draft.rows.purchases.get(user.promo_purchase)
    if earlier is not None and earlier.promo_held:
        release(draft, earlier)


def _take(draft: Draft, promo: Promo, user_id: int) -> None:
    draft.rows.promos.put(replace(promo, taken=promo.taken + 1))
    use = draft.rows.promo_uses.get((promo.code, user_id))
    taken = 1 if use is None else use.taken + 1
    draft.rows.promo_uses.put(PromoUse(promo.code, user_id, taken, promo.per_user))


def _note(draft: Draft, promo: Promo, user_id: int, purchase_id: int | None) -> Redemption:
    redemption = Redemption(draft.new_id("redemptions"), promo.code, user_id, purchase_id, draft.now)
    return draft.rows.redemptions.put(redemption)
