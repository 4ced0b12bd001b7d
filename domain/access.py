"""Who may use the nodes: ending what is over, and what the nodes confirm."""

from msgspec.structs import replace

from domain import messages
from domain.commands import ConfirmProvisions, Endings, ExpireSubscriptions, RecordOrphans, Renewal
from domain.draft import Draft
from domain.entities import Orphan, Provision, Subscription, SubscriptionStatus
from domain.grants import end
from domain.outbox import tell
from domain.renewal import order_of, renew


def expire(command: ExpireSubscriptions, draft: Draft) -> Endings:
    """End what is over now; what was renewed before this command in the writer's order goes on (U10).

    One that renews by itself and whose balance covers it is renewed instead: nobody who can pay is cut for a tick that
    was missed. A trial that has been paid for since it was read is no trial any more, and goes on (U1).
    """
    ended = renewed = 0
    for subscription_id in command.subscription_ids:
        subscription = draft.subscription(subscription_id)
        if subscription is None or subscription.trial is not command.trials:
            continue
        if _is_over(draft, subscription):
            _end(draft, subscription)
            ended += 1
        elif subscription.status is SubscriptionStatus.ACTIVE:
            renewed += 1
    return Endings(ended, renewed)


def _is_over(draft: Draft, subscription: Subscription) -> bool:
    match subscription.status:
        case SubscriptionStatus.ACTIVE:
            over = subscription.expires_at <= draft.now
            return over and renew(draft, subscription) is not Renewal.RENEWED
        case SubscriptionStatus.GRACE:
            return subscription.expires_at + draft.catalogue.grace <= draft.now
        case SubscriptionStatus.EXPIRED:
            return False


def _end(draft: Draft, subscription: Subscription) -> None:
    """The first end is told; grace, if there is any left, ends in silence."""
    grace = subscription.expires_at + draft.catalogue.grace > draft.now
    end(draft, subscription, grace=grace)
    key = f"expired:{subscription.id}:{subscription.expires_at.isoformat()}"
    if subscription.status is SubscriptionStatus.ACTIVE:
        order = order_of(draft, subscription)
        expired = messages.Expired(
            title=subscription.title,
            price=None if order is None else order.price,
            period=subscription.periods,
            grace=grace,
        )
        tell(draft, subscription.user_id, key, expired)


def confirm(command: ConfirmProvisions, draft: Draft) -> None:
    """Record what a node has; the first node to have a user makes the access ready, and the user is told once."""
    for each in command.confirmed:
        draft.rows.provisions.put(
            Provision(
                subscription_id=each.subscription_id,
                node=command.node,
                version=each.version,
                present=each.present,
                confirmed_at=draft.now,
                generation=each.generation,
                grace=each.grace,
            )
        )
        grant = draft.rows.grants.get(each.subscription_id)
        if grant is None or grant.version != each.version or not each.present or grant.ready:
            continue
        draft.rows.grants.put(replace(grant, ready=True))
        subscription = draft.subscription(each.subscription_id)
        assert subscription is not None, "a grant belongs to a subscription"
        tell(
            draft,
            subscription.user_id,
            f"ready:{subscription.id}:{grant.version}",
            messages.AccessReady(
                uuid=str(subscription.uuid), token=subscription.token, expires_at=subscription.expires_at
            ),
            trace=grant.trace,
        )


def record_orphans(command: RecordOrphans, draft: Draft) -> None:
    """Note orphans as found, or as removed those that were noted."""
    for name, uuid in command.orphans:
        known = draft.rows.orphans.get((command.node, name))
        is_open = known is not None and known.removed_at is None and known.uuid == uuid
        if not command.removed and not is_open:
            draft.rows.orphans.put(Orphan(command.node, name, uuid, draft.now))
        elif command.removed and known is not None:
            draft.rows.orphans.put(replace(known, removed_at=draft.now))
