"""What follows when a subscription's traffic runs out: its user is told in time, then access stops, which is told once.

It goes on with the next purchase of a plan, whose traffic it then has. Whether nodes have the user is said by the grant
and decided nowhere else, so a renewal that comes first in the writer's order is never cut.
"""

from typing import Final

from msgspec.structs import replace

from domain import messages
from domain.allowance import used, with_stop
from domain.draft import Draft
from domain.entities import Subscription, SubscriptionStatus
from domain.grants import put_grant
from domain.outbox import tell
from domain.renewal import order_of

#: The share of their traffic at which people are told that it ends.
WARNING_PERCENT: Final = 80


def weigh(draft: Draft, subscription: Subscription, news: int) -> None:
    """See what follows from `news` bytes that were counted just now."""
    traffic = subscription.traffic
    if traffic is None or subscription.status is not SubscriptionStatus.ACTIVE:
        return
    now = used(draft, subscription)
    if not stop_if_used_up(draft, subscription):
        warning = traffic * WARNING_PERCENT // 100
        if now - news < warning <= now:
            order = order_of(draft, subscription)
            told = messages.TrafficRunsOut(
                title=subscription.title,
                used=now,
                traffic=traffic,
                price=None if order is None else order.price,
                period=subscription.periods,
            )
            tell(draft, subscription.user_id, f"traffic_runs_out:{_allowance(subscription)}", told)


def stop_if_used_up(draft: Draft, subscription: Subscription) -> bool:
    """Stop a subscription whose traffic is used up and tell its user; True if it is stopped now or was."""
    stopped = with_stop(draft, subscription)
    if stopped.stopped is not None and subscription.stopped is None:
        draft.rows.subscriptions.put(stopped)
        put_grant(draft, stopped)
        order = order_of(draft, stopped)
        assert stopped.traffic is not None, "traffic without a limit is never used up"
        told = messages.TrafficUsedUp(
            title=stopped.title,
            traffic=stopped.traffic,
            expires_at=stopped.expires_at,
            price=None if order is None else order.price,
            period=stopped.periods,
            grace=stopped.in_grace,
        )
        tell(draft, stopped.user_id, f"traffic_used_up:{_allowance(stopped)}", told)
    return stopped.stopped is not None


def take_traffic(draft: Draft, user_id: int, traffic: int | None) -> None:
    """Take back the traffic of a purchase that is refunded, as far as it was not moved."""
    known = draft.rows.subscriptions.get(user_id)
    if traffic is None or known is None or known.traffic is None:
        return
    if known.status is SubscriptionStatus.ACTIVE:
        less = draft.rows.subscriptions.put(replace(known, traffic=max(0, known.traffic - traffic)))
        stop_if_used_up(draft, less)


def _allowance(subscription: Subscription) -> str:
    """Each purchase makes another one, and so does each time that is given or taken."""
    return f"{subscription.id}:{subscription.periods}"
