"""How many devices use a key at once, as far as addresses tell, and what follows if they are too many.

Somebody who goes from one network to another has two addresses for a while, so being over is told only when it lasts,
and at most once a day. Whoever was told and goes on is over for good: then the node lets the newest addresses in no
more. Fewer may be counted than there are, as devices behind one router share an address.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from domain import messages
from domain.commands import Excess, RecordOnline
from domain.draft import Draft
from domain.entities import Subscription, SubscriptionStatus, Usage
from domain.names import name_on_node
from domain.outbox import tell

#: How long more devices than allowed are borne, before it is told and once more before anything is done.
PATIENCE: Final = timedelta(minutes=5)

#: Whoever was told in that time is not told again.
TOLD_FOR: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Judgement:
    """The row after a look, and whether the excess is to be told now, or kept out."""

    usage: Usage
    tell: bool = False
    keep_out: bool = False


def judge(known: Usage, online: int, allowed: int | None, now: datetime) -> Judgement:
    """What follows when somebody is connected from `online` addresses."""
    if allowed is None or online <= allowed:
        return Judgement(replace(known, online=online, over_since=None))
    usage = replace(known, online=online, over_since=known.over_since or now)
    assert usage.over_since is not None, "set above"
    if known.warned_at is not None and now < known.warned_at + TOLD_FOR:
        return Judgement(usage, keep_out=now >= known.warned_at + PATIENCE)
    if now < usage.over_since + PATIENCE:
        return Judgement(usage)
    return Judgement(replace(usage, warned_at=now), tell=True)


def record(command: RecordOnline, draft: Draft) -> tuple[Excess, ...]:
    """Note from how many addresses people are connected; answered by those who are over and what to do about it."""
    excess = []
    for each in command.online:
        subscription = draft.subscription(each.subscription_id)
        if subscription is None:
            continue
        known = draft.usage(subscription.id)
        judged = judge(known, each.addresses, _allowed(subscription), draft.now)
        if judged.usage != known:
            draft.rows.usage.put(judged.usage)
        if judged.usage.over_since is None:
            continue
        assert subscription.devices is not None, "nobody is over what has no limit"
        name = name_on_node(subscription.id, subscription.generation)
        excess.append(Excess(subscription.id, name, subscription.devices, judged.keep_out))
        if judged.tell:
            told = messages.TooManyDevices(
                title=subscription.title, online=each.addresses, devices=subscription.devices
            )
            tell(draft, subscription.user_id, f"devices:{subscription.id}:{draft.now.isoformat()}", told)
    return tuple(excess)


def _allowed(subscription: Subscription) -> int | None:
    return subscription.devices if subscription.status is SubscriptionStatus.ACTIVE else None
