"""Gifts: a paid code that somebody redeems once."""

from base64 import urlsafe_b64encode
from typing import Final

from msgspec.structs import replace

from domain import messages
from domain.allowance import Terms
from domain.draft import Draft
from domain.entities import Gift, PeriodCause, Purchase, User
from domain.grants import is_delayed
from domain.outbox import tell
from domain.periods import give_time

#: Random bytes of a gift's code: it is money to whoever knows it.
_CODE_BYTES: Final = 15


def wrap(draft: Draft, purchase: Purchase) -> Gift:
    """Make the gift of a purchase that was paid."""
    assert purchase.duration_seconds is not None, "a gift gives time"
    gift = Gift(
        id=draft.new_id("gifts"),
        code=urlsafe_b64encode(draft.entropy(_CODE_BYTES)).decode(),
        purchase_id=purchase.id,
        title=purchase.title,
        item=purchase.item,
        duration_seconds=purchase.duration_seconds,
        created_at=draft.now,
    )
    draft.rows.purchases.put(replace(purchase, gift_code=gift.code))
    return draft.rows.gifts.put(gift)


def redeem(draft: Draft, gift: Gift, user: User) -> messages.Message:
    """Give the gift's time to whoever redeems it first, and tell the giver."""
    if gift.void_at is not None:
        return messages.CodeRefused(code=gift.code, reason="gift_void")
    if gift.redeemed_by is not None:
        return messages.CodeRefused(code=gift.code, reason="gift_redeemed")
    draft.rows.gifts.put(replace(gift, redeemed_by=user.id, redeemed_at=draft.now))
    purchase = draft.rows.purchases.get(gift.purchase_id)
    assert purchase is not None, "a gift is read with its purchase"
    subscription, grant = give_time(
        draft,
        user.id,
        gift.duration_seconds,
        PeriodCause.GIFT,
        gift.id,
        title=gift.title,
        terms=Terms(purchase.traffic, purchase.devices),
    )
    if purchase.user_id != user.id:
        tell(draft, purchase.user_id, f"gift:{gift.id}", messages.GiftTaken(title=gift.title))
    return messages.GiftRedeemed(
        title=gift.title,
        expires_at=subscription.expires_at,
        connecting=not grant.ready,
        delayed=is_delayed(draft, grant),
    )
