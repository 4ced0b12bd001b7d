"""How much a subscription may move, and whether it has.

What is bought adds to what is left while access runs without a break, and begins anew after an end. Days that come
without a plan (a promo code, a reward, an operator) change neither traffic nor devices.
"""

from dataclasses import dataclass

from msgspec.structs import replace

from domain.draft import Draft
from domain.entities import Stop, Subscription, SubscriptionStatus


@dataclass(frozen=True, slots=True)
class Terms:
    """What a plan is for besides time: bytes of traffic, up and down together, and devices; None is no limit."""

    traffic: int | None = None
    devices: int | None = None


def moved(draft: Draft, subscription: Subscription) -> int:
    """Bytes that a subscription has moved in all, up and down together."""
    usage = draft.usage(subscription.id)
    return usage.up + usage.down


def used(draft: Draft, subscription: Subscription) -> int:
    """Bytes of its allowance that a subscription has moved."""
    return moved(draft, subscription) - subscription.traffic_from


def with_terms(
    draft: Draft, known: Subscription, subscription: Subscription, terms: Terms | None
) -> Subscription:
    """The subscription, which `known` was before it was given time, with what it may move from now on."""
    goes_on = known.status is SubscriptionStatus.ACTIVE
    traffic, begins = subscription.traffic, moved(draft, known)
    if terms is not None:
        left = 0 if known.traffic is None or not goes_on else max(0, known.traffic - used(draft, known))
        traffic = None if terms.traffic is None else left + terms.traffic
        subscription = replace(subscription, devices=terms.devices, renewal_traffic=terms.traffic)
    elif goes_on:
        begins = known.traffic_from
    elif known.traffic is not None:
        traffic = known.renewal_traffic
    return with_stop(draft, replace(subscription, traffic=traffic, traffic_from=begins))


def with_stop(draft: Draft, subscription: Subscription) -> Subscription:
    """The subscription, stopped if its traffic is used up while there is time left; in grace where there is any."""
    running = subscription.status is SubscriptionStatus.ACTIVE
    is_used_up = subscription.traffic is not None and used(draft, subscription) >= subscription.traffic
    stop = Stop.GRACE if draft.catalogue.grace else Stop.OFF
    return replace(subscription, stopped=stop if running and is_used_up else None)


def with_more(draft: Draft, subscription: Subscription, traffic: int) -> Subscription:
    """A subscription whose traffic is limited, with so many bytes added to what is left of it."""
    assert subscription.traffic is not None, "there is nothing to add to no limit"
    # What was moved beyond the limit, before the node was told to stop, is forgiven as it is by a purchase.
    beyond = max(0, used(draft, subscription) - subscription.traffic)
    return with_stop(draft, replace(subscription, traffic=subscription.traffic + beyond + traffic))
