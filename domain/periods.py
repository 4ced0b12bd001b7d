"""The ledger of time: every change of a subscription's end is a period with exactly one cause (I6)."""

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from domain.allowance import Terms, with_terms
from domain.draft import Draft
from domain.entities import Grant, Period, PeriodCause, Subscription, SubscriptionStatus
from domain.grants import end, put_grant
from domain.money import Money
from domain.reminders import with_reminders

#: Random bytes of a subscription's address; 128 bits is the least that cannot be guessed.
TOKEN_BYTES: Final = 18

_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Bought:
    """The plan that a period was bought as: what auto-renewal goes by afterwards."""

    item: str
    price: Money | None
    seconds: int
    recurring: bool = False


def give_time(
    draft: Draft,
    user_id: int,
    seconds: int,
    cause: PeriodCause,
    cause_id: int,
    *,
    title: str,
    bought: Bought | None = None,
    terms: Terms | None = None,
) -> tuple[Subscription, Grant]:
    """Add time to the user's subscription: after its end while it runs, from now where it does not.

    The first time makes the subscription; UUID and address stay the same ever after (U6). Anything but a trial ends
    being on trial (I5). `terms` are those of a plan, whose traffic comes with the time. Where the user is not to be on
    the nodes as things stand, or only in grace, a new version of the grant says that they are.
    """
    known = draft.rows.subscriptions.get(user_id) or _new(draft, user_id, title)
    start = max(
        known.expires_at, draft.now
    )  # an end that lies ahead although decided: a clock that was wrong
    subscription = replace(
        known,
        status=SubscriptionStatus.ACTIVE,
        title=title,
        expires_at=start + timedelta(seconds=seconds),
        periods=known.periods + 1,
        trial=cause is PeriodCause.TRIAL,
    )
    subscription = with_terms(draft, known, subscription, terms)
    if bought is not None:
        subscription = replace(
            subscription,
            item=bought.item,
            renewal_price=bought.price,
            renewal_seconds=bought.seconds,
            recurring=bought.recurring,
        )
    subscription = draft.rows.subscriptions.put(with_reminders(draft, subscription))
    _record(draft, subscription, cause, cause_id, seconds)
    return subscription, put_grant(draft, subscription)


def take_time(
    draft: Draft, user_id: int, seconds: int, cause: PeriodCause, cause_id: int
) -> Subscription | None:
    """Take time from the user's subscription, never more than is left; with the last of it the access ends.

    None where there is nothing left to take.
    """
    known = draft.rows.subscriptions.get(user_id)
    if known is None or known.status is not SubscriptionStatus.ACTIVE or known.expires_at <= draft.now:
        return None
    left = -((draft.now - known.expires_at) // _SECOND)
    taken = min(seconds, left)
    ends_at = max(draft.now, known.expires_at - timedelta(seconds=taken))
    renewed_at = known.last_auto_renewal_at and min(known.last_auto_renewal_at, ends_at)
    subscription = replace(
        known, expires_at=ends_at, periods=known.periods + 1, last_auto_renewal_at=renewed_at
    )
    if ends_at > draft.now:
        subscription = draft.rows.subscriptions.put(with_reminders(draft, subscription))
        _record(draft, subscription, cause, cause_id, -taken)
        return subscription
    # Whoever lost it all of a sudden was told why, and is not asked to come back.
    subscription = draft.rows.subscriptions.put(replace(subscription, remind_at=None))
    _record(draft, subscription, cause, cause_id, -taken)
    return end(draft, subscription)


def new_uuid(draft: Draft) -> UUID:
    """A UUID that nobody can guess."""
    return UUID(bytes=draft.entropy(16), version=4)


def new_token(draft: Draft) -> str:
    """The secret part of a subscription's address."""
    return urlsafe_b64encode(draft.entropy(TOKEN_BYTES)).decode()


def _new(draft: Draft, user_id: int, title: str) -> Subscription:
    return Subscription(
        id=draft.new_id("subscriptions"),
        user_id=user_id,
        uuid=new_uuid(draft),
        token=new_token(draft),
        status=SubscriptionStatus.EXPIRED,
        title=title,
        created_at=draft.now,
        expires_at=draft.now,
    )


def _record(
    draft: Draft, subscription: Subscription, cause: PeriodCause, cause_id: int, seconds: int
) -> None:
    draft.rows.periods.put(
        Period(
            id=draft.new_id("periods"),
            subscription_id=subscription.id,
            ordinal=subscription.periods,
            cause=cause,
            cause_id=cause_id,
            seconds=seconds,
            ends_at=subscription.expires_at,
            created_at=draft.now,
        )
    )
