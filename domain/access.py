"""Who may use the nodes, and until when: extending, ending, and what the nodes confirm."""

from base64 import urlsafe_b64encode
from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from domain import messages
from domain.commands import ConfirmProvisions, ExpireSubscriptions
from domain.draft import Draft
from domain.entities import Grant, Provision, Subscription, SubscriptionStatus
from domain.outbox import tell

#: Random bytes of a subscription's address; 128 bits is the least that cannot be guessed.
TOKEN_BYTES: Final = 18


def extend(draft: Draft, user_id: int, title: str, duration: timedelta) -> tuple[Subscription, Grant]:
    """Add paid time to the user's subscription: after its end while it runs, from now where it does not.

    The first time makes the subscription; UUID and address stay the same ever after (U6). Where the user is not
    to be on the nodes as things stand, a new version of the grant says that they are.
    """
    known = draft.rows.subscriptions.get(user_id)
    if known is None:
        known = Subscription(
            id=draft.new_id("subscriptions"),
            user_id=user_id,
            uuid=UUID(bytes=draft.entropy(16), version=4),
            token=urlsafe_b64encode(draft.entropy(TOKEN_BYTES)).decode(),
            status=SubscriptionStatus.EXPIRED,
            title=title,
            created_at=draft.now,
            expires_at=draft.now,
        )
    start = max(
        known.expires_at, draft.now
    )  # an end that lies ahead although it was decided: a clock that was wrong
    subscription = replace(known, status=SubscriptionStatus.ACTIVE, title=title, expires_at=start + duration)
    draft.rows.subscriptions.put(subscription)
    return subscription, _grant(draft, subscription, present=True)


def _grant(draft: Draft, subscription: Subscription, *, present: bool) -> Grant:
    known = draft.rows.grants.get(subscription.id)
    if known is not None and known.present is present:
        return known
    version = 1 if known is None else known.version + 1
    return draft.rows.grants.put(
        Grant(subscription.id, subscription.uuid, present, version, trace=draft.trace)
    )


def expire(command: ExpireSubscriptions, draft: Draft) -> int:
    """End what is over now; what was renewed before this command in the writer's order goes on (U10)."""
    ended = 0
    for subscription_id in command.subscription_ids:
        subscription = draft.subscription(subscription_id)
        if subscription is None or subscription.status is not SubscriptionStatus.ACTIVE:
            continue
        if subscription.expires_at > draft.now:
            continue
        draft.rows.subscriptions.put(replace(subscription, status=SubscriptionStatus.EXPIRED))
        _grant(draft, subscription, present=False)
        key = f"expired:{subscription.id}:{subscription.expires_at.isoformat()}"
        tell(draft, subscription.user_id, key, messages.Expired(title=subscription.title))
        ended += 1
    return ended


def confirm(command: ConfirmProvisions, draft: Draft) -> None:
    """Record what a node has; the first node to have a user makes the access ready, and the user is told once."""
    for each in command.confirmed:
        draft.rows.provisions.put(
            Provision(each.subscription_id, command.node, each.version, each.present, draft.now)
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
