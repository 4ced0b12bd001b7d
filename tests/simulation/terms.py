"""What the configuration of the week says, read by the test itself: plans, reminders, quiet hours, how often is looked.

The rules are those that README, `supervisor.toml` and `docs/` tell people, written down once more from there: nothing
of the shop's own code is asked.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

#: Of the week, and of what begins in it.
_MONTHS: Final = {"en": ("November", "December"), "ru": ("ноября", "декабря")}

#: After the last reminder, for how long it makes sense; before an end, how early a plan renews by itself.
LAST_ONE: Final = timedelta(days=1)
RENEWS_BEFORE: Final = timedelta(hours=12)
#: What would come too late after a night comes so long before it.
BEFORE_NIGHT: Final = timedelta(hours=1)


def length(text: str) -> timedelta:
    """A length of time as the file says it."""
    match = re.fullmatch(r"(\d+)([smhd])", text)
    assert match is not None, text
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def kopecks(text: str) -> int:
    """A price in roubles as the file says it, in hundredths."""
    return round(float(text.removesuffix(" RUB")) * 100)


def written(moment: datetime, language: str) -> str:
    """Date and time as people write them in a language."""
    month = _MONTHS[language][moment.month - 11]
    if language == "ru":
        return f"{moment.day} {month} {moment.year} г., {moment:%H:%M}"
    return f"{month} {moment.day}, {moment.year}, {(moment.hour - 1) % 12 + 1}:{moment:%M %p}"


@dataclass(frozen=True, slots=True)
class Reminder:
    """When somebody is reminded, and until when that makes sense."""

    at: datetime
    until: datetime
    before_end: bool


@dataclass(frozen=True, slots=True)
class Terms:
    """The document of the configuration."""

    document: Mapping[str, Any]

    def plan(self, name: str) -> tuple[timedelta, int]:
        """How long a plan lasts, and its price."""
        [plan] = [each for each in self.document["plans"] if each["id"] == name]
        return length(plan["duration"]), kopecks(plan["price"])

    @property
    def trial(self) -> timedelta:
        """How long a trial lasts."""
        return length(self.document["trial"]["duration"])

    @property
    def top_up(self) -> int:
        """What the first top-up adds."""
        return kopecks(self.document["top_ups"][0]["price"])

    def period(self, worker: str) -> timedelta:
        """How often a worker looks."""
        return length(self.document["actor"][worker]["period"])

    def first_after(self, worker: str) -> timedelta:
        """How long after its start a worker looks for the first time."""
        return length(self.document["actor"][worker]["first_after"])

    def zone(self, chosen: str | None) -> ZoneInfo:
        """The clock that somebody goes by."""
        return ZoneInfo(chosen or self.document["shop"]["time_zone"])

    def reminders(self, end: datetime, zone: ZoneInfo, *, trial: bool) -> list[Reminder]:
        """All reminders of an end, in their order."""
        section = self.document["reminders"]
        section = section["trial"] if trial else section
        before = sorted(end - length(each) for each in section["before"])
        after = sorted(end + length(each) for each in section["after"])
        moments = [*before, *after]
        until = [*before[1:], end, *after[1:], after[-1] + LAST_ONE]
        return [self._by_day(*each, end, zone) for each in zip(moments, until, strict=True)]

    def _by_day(self, moment: datetime, until: datetime, end: datetime, zone: ZoneInfo) -> Reminder:
        """At night it waits for the morning; where that is too late, it comes in the evening."""
        at = moment
        if (night := self.night(moment, zone)) is not None and night[1] < until:
            at = night[1]
        elif (night := night or self.night(moment + BEFORE_NIGHT, zone)) is not None:
            at = night[0] - BEFORE_NIGHT
        return Reminder(at, until, moment < end)

    def night(self, moment: datetime, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
        """From when to when it is quiet around a moment; None where it is not."""
        begins, ends = (
            time.fromisoformat(each.zfill(5)) for each in self.document["reminders"]["quiet_hours"]
        )
        local = moment.astimezone(zone)
        evening = local.date() if local.time() >= begins else local.date() - timedelta(days=1)
        # In the zone of `moment`: comparing within one zone goes by what clocks show.
        night = tuple(
            datetime.combine(day, at, zone).astimezone(moment.tzinfo)
            for day, at in ((evening, begins), (evening + timedelta(days=1), ends))
        )
        return (night[0], night[1]) if night[0] <= moment < night[1] else None
