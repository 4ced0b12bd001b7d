"""When people are reminded of the end of their access, before it and after it (W2, W9): pure arithmetic of moments.

A subscription carries the moment of its next reminder. Whatever moves its end sets that moment anew, so a scan finds
what is due by an index and nothing else, and what was renewed is never reminded of its old end. A reminder makes sense
until the next one is due or the end has come: what is later than that, because nobody was there to send it, is left
out (N7).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from domain.catalogue import QuietHours, ReminderTerms
from domain.draft import Draft
from domain.entities import Subscription

#: How long the last reminder makes sense, which no other follows.
LAST_ONE_LASTS: Final = timedelta(days=1)

#: How long before quiet hours something is due that must come before them: a worker looks now and then, and what it
#: finds only when they have begun would wait for the morning, and be too late then.
BEFORE_QUIET: Final = timedelta(hours=1)

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Reminder:
    """One reminder of one end: its name, when it is due, and from when on it makes no sense any more."""

    name: str
    due_at: datetime
    until: datetime
    is_before_end: bool


def with_reminders(draft: Draft, subscription: Subscription) -> Subscription:
    """The subscription with the moment of the first reminder of the end that it has now."""
    return replace(subscription, remind_at=following(reminders_of(draft, subscription), draft.now))


def reminders_of(draft: Draft, subscription: Subscription) -> list[Reminder]:
    """All reminders of the present end, in their order."""
    shop = draft.catalogue.reminders
    terms = shop.trial if subscription.trial else shop.paid
    return schedule(terms, subscription.expires_at, shop.quiet, zone_of(draft, subscription.user_id))


def zone_of(draft: Draft, user_id: int) -> ZoneInfo:
    """The clock that a person goes by: their own, or the shop's where theirs is not known."""
    user = draft.rows.users.get(user_id)
    return ZoneInfo((user and user.time_zone) or draft.catalogue.reminders.time_zone)


def following(reminders: Sequence[Reminder], now: datetime) -> datetime | None:
    """When the next of them is due, None if there is none."""
    return min((each.due_at for each in reminders if each.due_at > now), default=None)


def schedule(
    terms: ReminderTerms, ends_at: datetime, quiet: QuietHours | None, zone: ZoneInfo
) -> list[Reminder]:
    """The reminders of an end, in their order.

    One that would fall into quiet hours comes when they are over, or an hour before them if that would be too late; so
    does one that would come within that hour.
    """
    before = [ends_at - each for each in sorted(terms.before, reverse=True)]
    after = [ends_at + each for each in sorted(terms.after)]
    reminders = []
    for moment, until in zip(before, [*before[1:], ends_at][: len(before)], strict=True):
        reminders.append(_reminder(moment, until, ends_at, quiet, zone))
    last = [moment + LAST_ONE_LASTS for moment in after[-1:]]
    for moment, until in zip(after, [*after[1:], *last], strict=True):
        reminders.append(_reminder(moment, until, ends_at, quiet, zone))
    return reminders


def _reminder(
    moment: datetime, until: datetime, ends_at: datetime, quiet: QuietHours | None, zone: ZoneInfo
) -> Reminder:
    due_at = moment
    if (silence := silence_at(quiet, zone, moment)) is not None:
        begins_at, is_over_at = silence
        due_at = is_over_at if is_over_at < until else _before(begins_at, quiet, zone)
    elif (silence := silence_at(quiet, zone, moment + BEFORE_QUIET)) is not None:
        due_at = _before(silence[0], quiet, zone)
    distance = int((moment - ends_at).total_seconds())
    return Reminder(f"{distance:+}", due_at, until, is_before_end=distance < 0)


def _before(begins_at: datetime, quiet: QuietHours | None, zone: ZoneInfo) -> datetime:
    """When something is due that must come before quiet hours: not in those of the day before, either."""
    due_at = begins_at - BEFORE_QUIET
    earlier = silence_at(quiet, zone, due_at)
    return due_at if earlier is None else earlier[1]


def silence_at(
    quiet: QuietHours | None, zone: ZoneInfo, moment: datetime
) -> tuple[datetime, datetime] | None:
    """From when to when the quiet hours around a moment last where the reader is; None outside of them."""
    if quiet is None:
        return None
    today = moment.astimezone(zone).date()
    for day in (today - _DAY, today):
        begins_at, is_over_at = _silence_of(quiet, zone, day)
        if begins_at <= moment < is_over_at:
            return begins_at, is_over_at
    return None


@lru_cache(maxsize=4096)
def _silence_of(quiet: QuietHours, zone: ZoneInfo, day: date) -> tuple[datetime, datetime]:
    """The quiet hours that begin on a day there, in UTC: within one zone, Python compares what clocks show."""
    last_day = day + _DAY if quiet.ends <= quiet.begins else day
    begins_at = datetime.combine(day, quiet.begins, zone)
    is_over_at = datetime.combine(last_day, quiet.ends, zone)
    return begins_at.astimezone(UTC), is_over_at.astimezone(UTC)
