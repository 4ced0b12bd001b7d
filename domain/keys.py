"""Another key: a new UUID and a new address at once, the old ones end (R9).

People ask for it when somebody else has got hold of their key. Time, plan and payments stay as they are.
"""

from datetime import timedelta
from typing import Final

from msgspec.structs import replace

from domain import messages
from domain.commands import Reissue
from domain.draft import Draft
from domain.entities import Subscription, SubscriptionStatus
from domain.grants import put_grant
from domain.outbox import done, tell
from domain.people import meet
from domain.periods import new_token, new_uuid

#: How long a person waits from one new key to the next: each costs every node a little memory until it restarts.
REISSUE_PAUSE: Final = timedelta(minutes=10)


def reissue(command: Reissue, draft: Draft) -> None:
    """Give a person another key, or say why not now."""
    user = meet(draft, command.person)
    subscription = draft.rows.subscriptions.get(user.id)
    last = None if subscription is None else subscription.reissued_at
    if subscription is None:
        told: messages.Message = messages.KeyNotReissued(replaces=command.replaces)
    elif last is not None and last <= draft.now < last + REISSUE_PAUSE:
        told = messages.KeyNotReissued(again_at=last + REISSUE_PAUSE, replaces=command.replaces)
    else:
        fresh = give_new_key(draft, subscription)
        told = messages.KeyReissued(active=_is_active(fresh), replaces=command.replaces)
    tell(draft, user.id, f"update:{command.update_id}", told)
    done(draft, command.update_id)


def give_new_key(draft: Draft, subscription: Subscription) -> Subscription:
    """Change UUID and address; the old UUID is to be on no node any more, the new one where the old one was."""
    fresh = replace(
        subscription,
        uuid=new_uuid(draft),
        token=new_token(draft),
        generation=subscription.generation + 1,
        reissued_at=draft.now,
    )
    draft.rows.subscriptions.put(fresh)
    put_grant(draft, fresh)
    return fresh


def _is_active(subscription: Subscription) -> bool:
    return subscription.status is SubscriptionStatus.ACTIVE
