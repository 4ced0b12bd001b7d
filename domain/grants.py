"""What should be on the nodes: the grant of each subscription, in versions."""

from msgspec.structs import replace

from domain.draft import Draft
from domain.entities import Grant, Subscription, SubscriptionStatus


def put_grant(draft: Draft, subscription: Subscription, *, present: bool) -> Grant:
    """Say whether the user is to be on the nodes: a new version of the grant where it said otherwise."""
    known = draft.rows.grants.get(subscription.id)
    if known is not None and known.present is present:
        return known
    return draft.rows.grants.put(
        Grant(
            subscription_id=subscription.id,
            uuid=subscription.uuid,
            present=present,
            version=1 if known is None else known.version + 1,
            change=draft.new_id("grants"),
            decided_at=draft.now,
            trace=draft.trace,
        )
    )


def end(draft: Draft, subscription: Subscription) -> Subscription:
    """End a subscription now: its user is to be on no node any more."""
    put_grant(draft, subscription, present=False)
    return draft.rows.subscriptions.put(replace(subscription, status=SubscriptionStatus.EXPIRED))
