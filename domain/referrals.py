"""Invitations: who invited whom, what a purchase earns, and taking it back (F13).

Rewards are written in the transaction of the payment that earned them. Only buying time or a gift earns, whatever it is
paid with: a top-up does not, or the same money would earn twice.
"""

from base64 import urlsafe_b64encode
from typing import Final

from msgspec.structs import replace

from domain import messages
from domain.catalogue import Earning
from domain.draft import Draft
from domain.entities import AccountKind, Payment, PeriodCause, Purchase, Reward, User
from domain.ledger import move
from domain.money import Money
from domain.outbox import tell
from domain.periods import give_time, take_time

#: The most levels that a shop may reward; what a batch reads ahead for.
LEVELS_MAX: Final = 3

_INVITATION_BYTES: Final = 9
_DAY: Final = 86_400


def attach(draft: Draft, user: User, code: str) -> User:
    """Note who invited somebody: once, before their first purchase, and only by who was here before them."""
    inviter = draft.rows.users.get(draft.inviters.get(code, 0))
    if inviter is None or user.referrer_id is not None or user.paid_purchases > 0:
        return user
    if inviter.number >= user.number:
        return user
    return draft.rows.users.put(replace(user, referrer_id=inviter.id, referrer_number=inviter.number))


def earn(draft: Draft, purchase: Purchase, payment: Payment) -> None:
    """Reward the buyer and those who invited them, level by level."""
    terms, buyer = draft.catalogue.referral, draft.rows.users.get(purchase.user_id)
    if terms is None or buyer is None or buyer.referrer_id is None:
        return
    if terms.first_only and buyer.paid_purchases > 1:
        return
    _reward(draft, buyer, 0, terms.buyer, purchase, payment)
    above = buyer
    for level, earning in enumerate(terms.levels, 1):
        inviter = None if above.referrer_id is None else draft.rows.users.get(above.referrer_id)
        if inviter is None:
            return
        _reward(draft, inviter, level, earning, purchase, payment)
        above = inviter


def _reward(
    draft: Draft, user: User, level: int, earning: Earning, purchase: Purchase, payment: Payment
) -> None:
    amount = None
    if earning.percent and purchase.value is not None:
        share = purchase.value.minor * earning.percent // 100
        amount = Money(share, purchase.value.currency) if share > 0 else None
    seconds = earning.days * _DAY or None
    if (amount is None) == (seconds is None):
        return
    reward = Reward(draft.new_id("rewards"), payment.id, user.id, level, amount, seconds, draft.now)
    draft.rows.rewards.put(reward)
    if amount is not None:
        expense = draft.account(AccountKind.REFERRAL, amount.currency)
        balance = draft.account(AccountKind.BALANCE, amount.currency, user.id)
        move(draft, expense, balance, amount, "reward", reward.id)
    if seconds is not None:
        known = draft.rows.subscriptions.get(user.id)
        title = purchase.title if known is None else known.title
        give_time(draft, user.id, seconds, PeriodCause.REWARD, reward.id, title=title)
    told = messages.RewardEarned(level=level, credit=amount, days=earning.days or None)
    tell(draft, user.id, f"reward:{reward.id}", told)


def take_back(draft: Draft, payment: Payment) -> None:
    """Take back what a refunded payment had earned; money that is spent already stays an expense of the shop."""
    for level in range(LEVELS_MAX + 1):
        reward = draft.rows.rewards.get((payment.id, level))
        if reward is None or reward.taken_back_at is not None:
            continue
        draft.rows.rewards.put(replace(reward, taken_back_at=draft.now))
        if reward.seconds is not None:
            take_time(draft, reward.user_id, reward.seconds, PeriodCause.REWARD_BACK, reward.id)
            continue
        assert reward.amount is not None, "a reward is money or time"
        balance = draft.account(AccountKind.BALANCE, reward.amount.currency, reward.user_id)
        left = min(balance.balance, reward.amount, key=lambda each: each.minor)
        if left.minor > 0:
            expense = draft.account(AccountKind.REFERRAL, reward.amount.currency)
            move(draft, balance, expense, left, "reward_back", reward.id)


def invitation(draft: Draft, user: User, replaces: int | None) -> messages.Invitation | None:
    """The person's own invitation, made when they first ask for it; None where the shop rewards none."""
    terms = draft.catalogue.referral
    if terms is None:
        return None
    code = user.referral_code
    if code is None:
        code = urlsafe_b64encode(draft.entropy(_INVITATION_BYTES)).decode()
        draft.rows.users.put(replace(user, referral_code=code))
    return messages.Invitation(
        code=code,
        percents=[each.percent for each in terms.levels],
        days=[each.days for each in terms.levels],
        replaces=replaces,
    )
