"""Writing the reminders that are due, and when the next ones are; deciding also what need not be said."""

from msgspec.structs import replace

from domain import messages
from domain.commands import RemindSubscriptions
from domain.draft import Draft
from domain.entities import Subscription, SubscriptionStatus
from domain.outbox import tell
from domain.people import balance_of
from domain.reminders import Reminder, following, reminders_of, silence_at, zone_of
from domain.renewal import order_of, renews_at


def remind(command: RemindSubscriptions, draft: Draft) -> int:
    """Tell each of them what is due now, and set when the next is; answered by how many were dealt with.

    One whose end is past and not decided yet is left for later: whether it ends is not decided here.
    """
    dealt_with = 0
    for subscription_id in command.subscription_ids:
        subscription = draft.subscription(subscription_id)
        dealt_with += subscription is None or _remind(draft, subscription)
    return dealt_with


def _remind(draft: Draft, subscription: Subscription) -> bool:
    if subscription.remind_at is None or subscription.remind_at > draft.now:
        return True
    reminders = reminders_of(draft, subscription)
    due = [each for each in reminders if each.due_at <= draft.now][-1:]
    for reminder in due:
        if reminder.until <= draft.now:
            continue
        if not reminder.is_before_end and subscription.status is SubscriptionStatus.ACTIVE:
            return False
        _tell(draft, subscription, reminder)
    draft.rows.subscriptions.put(replace(subscription, remind_at=following(reminders, draft.now)))
    return True


def _tell(draft: Draft, subscription: Subscription, reminder: Reminder) -> None:
    """Write the reminder, unless there is nothing to be told or nobody to tell it to."""
    user = draft.rows.users.get(subscription.user_id)
    assert user is not None, "a subscription belongs to somebody"
    silence = silence_at(draft.catalogue.reminders.quiet, zone_of(draft, user.id), draft.now)
    not_before = draft.now if silence is None else silence[1]
    message = _message(draft, subscription, is_before_end=reminder.is_before_end)
    if user.unreachable_since is not None or message is None or not_before >= reminder.until:
        return
    key = f"reminder:{user.id}:{subscription.periods}:{reminder.name}"
    tell(draft, user.id, key, message, not_before=not_before, expires_at=reminder.until)


def _message(draft: Draft, subscription: Subscription, *, is_before_end: bool) -> messages.Message | None:
    """What to say; None before an end that will not come, since the subscription renews by itself."""
    order = order_of(draft, subscription)
    price, missing = None if order is None else order.price, None
    if is_before_end and subscription.recurring:
        return None
    if is_before_end and price is not None and renews_at(subscription) is not None:
        balance = balance_of(draft, subscription.user_id)
        if balance >= price:
            return None
        missing = price - balance
    kind = messages.EndsSoon if is_before_end else messages.ComeBack
    return kind(
        title=subscription.title,
        expires_at=subscription.expires_at,
        trial=subscription.trial,
        period=subscription.periods,
        price=price,
        missing=missing,
    )
