"""What people are told about promo codes, gifts, rewards, renewals, refunds, and what an operator did."""

from datetime import datetime

from domain.messages.base import Message
from domain.money import Money


class TrialUnavailable(Message, frozen=True, kw_only=True, tag="trial_unavailable"):
    """There is no trial for this person: the shop offers none, or they have had access before."""


class PromoChosen(Message, frozen=True, kw_only=True, tag="promo_chosen"):
    """The code makes the next purchase cheaper: by `percent`, or by `amount`."""

    code: str
    percent: int | None = None
    amount: Money | None = None


class PromoRedeemed(Message, frozen=True, kw_only=True, tag="promo_redeemed"):
    """The code gave something at once: `credit` on the balance, or `days` of access until `expires_at`."""

    code: str
    credit: Money | None = None
    days: int | None = None
    expires_at: datetime | None = None


class CodeRefused(Message, frozen=True, kw_only=True, tag="code_refused"):
    """A code does nothing for this person.

    `reason` is one of unknown, not_yet, over, used_up, used_by_you, first_purchase_only, subscribers_only, others_only,
    other_plan, gift_redeemed, gift_void.
    """

    code: str
    reason: str


class GiftReady(Message, frozen=True, kw_only=True, tag="gift_ready"):
    """A gift was paid: the code that somebody redeems once."""

    title: str
    price: Money
    code: str


class GiftRedeemed(Message, frozen=True, kw_only=True, tag="gift_redeemed"):
    """A gift was redeemed; `connecting` while its access is on the way to the nodes, `delayed` if that takes long."""

    title: str
    expires_at: datetime
    connecting: bool
    delayed: bool = False


class GiftTaken(Message, frozen=True, kw_only=True, tag="gift_taken"):
    """Tells the giver that their gift was redeemed."""

    title: str


class Invitation(Message, frozen=True, kw_only=True, tag="invitation"):
    """A person's own invitation code and what inviting earns: percentages and days by level."""

    code: str
    percents: list[int]
    days: list[int]


class RewardEarned(Message, frozen=True, kw_only=True, tag="reward_earned"):
    """Inviting has earned money or days; `level` 0 is the bonus of the buyer themselves."""

    level: int
    credit: Money | None = None
    days: int | None = None


class Renewed(Message, frozen=True, kw_only=True, tag="renewed"):
    """The subscription was renewed from the balance."""

    title: str
    price: Money
    expires_at: datetime
    balance: Money


class RenewalShort(Message, frozen=True, kw_only=True, tag="renewal_short"):
    """The balance does not cover the renewal; topping up is enough to have it tried again (F6)."""

    title: str
    price: Money
    missing: Money
    expires_at: datetime


class AutoRenewal(Message, frozen=True, kw_only=True, tag="auto_renewal"):
    """Whether the subscription renews by itself, and at what price; None where there is nothing to renew.

    `paused`: the shop renews nobody's just now. `monthly`: Telegram charges Stars for it, so the balance is left alone.
    """

    on: bool
    monthly: bool = False
    paused: bool = False
    title: str | None = None
    price: Money | None = None


class Credited(Message, frozen=True, kw_only=True, tag="credited"):
    """Money that did not settle its purchase as asked is on the balance: `credit` for `amount`."""

    amount: Money
    credit: Money
    balance: Money
    reason: str


class PaidForAnother(Message, frozen=True, kw_only=True, tag="paid_for_another"):
    """Somebody paid an invoice of somebody else: that one has it now."""

    title: str
    amount: Money


class ReviewClosed(Message, frozen=True, kw_only=True, tag="review_closed"):
    """An operator has looked at a payment, and nothing more follows; `note` is their reason."""

    amount: Money
    note: str


class Refunded(Message, frozen=True, kw_only=True, tag="refunded"):
    """A payment went back; what it had paid for is taken back."""

    amount: Money
    title: str | None = None


class Adjusted(Message, frozen=True, kw_only=True, tag="adjusted"):
    """An operator changed the balance by `amount`, which may be negative."""

    amount: Money
    balance: Money
    reason: str


class TimeGranted(Message, frozen=True, kw_only=True, tag="time_granted"):
    """An operator gave access until `expires_at`."""

    days: int
    expires_at: datetime
    reason: str


class Revoked(Message, frozen=True, kw_only=True, tag="revoked"):
    """An operator ended the access."""

    title: str
    reason: str
