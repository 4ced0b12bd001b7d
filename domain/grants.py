"""What should be on the nodes: the grant of each subscription, in versions."""

from msgspec.structs import replace

from domain.draft import Draft
from domain.entities import Function, Grant, Subscription, SubscriptionStatus


def put_grant(draft: Draft, subscription: Subscription) -> Grant:
    """Have the nodes do as the subscription says: a new version of its grant where that said otherwise."""
    known = draft.rows.grants.get(subscription.id)
    grace = subscription.in_grace
    grant = Grant(
        subscription_id=subscription.id,
        uuid=subscription.uuid,
        present=subscription.on_nodes,
        version=1 if known is None else known.version + 1,
        change=0,
        decided_at=draft.now,
        ready=grace,  # nobody waits for that
        trace=draft.trace,
        generation=subscription.generation,
        grace=grace,
    )
    if known is not None and _wish(known) == _wish(grant):
        return known
    return draft.rows.grants.put(replace(grant, change=draft.new_id("grants")))


def is_delayed(draft: Draft, grant: Grant) -> bool:
    """Whether its user waits for a node, and changes of users on nodes are switched off."""
    return not grant.ready and not draft.is_on(Function.PROVISIONING)


def end(draft: Draft, subscription: Subscription, *, grace: bool = False) -> Subscription:
    """End a subscription now: its user is to be on no node any more, or only for what it takes to pay."""
    status = SubscriptionStatus.GRACE if grace else SubscriptionStatus.EXPIRED
    ended = draft.rows.subscriptions.put(replace(subscription, status=status, stopped=None))
    put_grant(draft, ended)
    return ended


def _wish(grant: Grant) -> tuple[object, ...]:
    return grant.uuid, grant.present, grant.grace
