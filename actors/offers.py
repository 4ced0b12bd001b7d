"""What `supervisor.toml` says of plans, top-ups, trial, referrals and reminders, as the domain's catalogue."""

import re
from collections.abc import Mapping, Sequence
from datetime import time, timedelta
from typing import Annotated, Final

import msgspec

from actors.words import languages
from domain.catalogue import (
    Catalogue,
    Earning,
    Plan,
    QuietHours,
    ReferralTerms,
    Reminders,
    ReminderTerms,
    TopUp,
    Trial,
)
from domain.money import BadMoney, Money
from domain.referrals import LEVELS_MAX

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_-]{1,32}$")]
Title = Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
#: One title for everybody, or a table with one for each language.
Titles = Title | dict[str, Title]
Devices = Annotated[int, msgspec.Meta(ge=1, le=1000)]
Stars = Annotated[int, msgspec.Meta(ge=1, le=100_000)]


class PlanEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One `[[plans]]` entry."""

    id: Name
    title: Titles
    duration: str
    price: str
    stars: Stars
    traffic: str | None = None
    devices: Devices | None = None


class TopUpEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One `[[top_ups]]` entry."""

    id: Name
    title: Titles
    price: str
    stars: Stars


class TrialEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[trial]`: access for nothing, once for each person who never had any."""

    title: Titles
    duration: str
    traffic: str | None = None
    devices: Devices | None = None


class EarningEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an invitation earns: `percent` of a purchase onto the balance, or `days` of access."""

    percent: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0
    days: Annotated[int, msgspec.Meta(ge=0, le=365)] = 0


class ReferralEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[referral]`: the first of `levels` is who invited the buyer; `every` purchase earns, or only the first."""

    levels: list[EarningEntry]
    buyer: EarningEntry = EarningEntry()
    every: bool = False


class ReminderTermsEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long before and after an end people are reminded of it."""

    before: list[str] = msgspec.field(default_factory=lambda: ["3d", "1d", "3h"])
    after: list[str] = msgspec.field(default_factory=lambda: ["1d", "3d"])


class RemindersEntry(ReminderTermsEntry, frozen=True, forbid_unknown_fields=True):
    """`[reminders]`: of what was paid, and of a `trial`; none is sent in the `quiet_hours`, where the reader is."""

    trial: ReminderTermsEntry = ReminderTermsEntry()
    quiet_hours: tuple[str, str] | None = None


def catalogue_of(
    plans: Sequence[PlanEntry],
    top_ups: Sequence[TopUpEntry],
    trial: TrialEntry | None,
    referral: ReferralEntry | None,
    reminders: RemindersEntry,
    *,
    currency: str,
    language: str,
    time_zone: str,
) -> Catalogue:
    """The catalogue of a shop with this currency, language and time zone; raises ValueError with a sentence."""
    sold = {
        entry.id: Plan(
            entry.id,
            _title(f"plans.{entry.id}.title", entry.title, language),
            duration_of(f"plans.{entry.id}.duration", entry.duration),
            _price(f"plans.{entry.id}.price", entry.price, currency),
            Money(entry.stars, "XTR"),
            entry.title if isinstance(entry.title, dict) else {},
            traffic_of(f"plans.{entry.id}.traffic", entry.traffic),
            entry.devices,
        )
        for entry in plans
    }
    amounts = {
        entry.id: TopUp(
            entry.id,
            _title(f"top_ups.{entry.id}.title", entry.title, language),
            _price(f"top_ups.{entry.id}.price", entry.price, currency),
            Money(entry.stars, "XTR"),
            entry.title if isinstance(entry.title, dict) else {},
        )
        for entry in top_ups
    }
    if len(sold) < len(plans) or len(amounts) < len(top_ups):
        raise ValueError("plans: two entries have the same id, expected each once")
    if not sold:
        raise ValueError("plans: there is none, expected at least one [[plans]] entry")
    return Catalogue(
        currency,
        sold,
        amounts,
        trial=_trial(trial, language),
        referral=_referral(referral),
        reminders=_reminders(reminders, time_zone),
    )


def _trial(entry: TrialEntry | None, language: str) -> Trial | None:
    if entry is None:
        return None
    return Trial(
        _title("trial.title", entry.title, language),
        duration_of("trial.duration", entry.duration),
        entry.title if isinstance(entry.title, dict) else {},
        traffic_of("trial.traffic", entry.traffic),
        entry.devices,
    )


def _referral(entry: ReferralEntry | None) -> ReferralTerms | None:
    if entry is None:
        return None
    if not 1 <= len(entry.levels) <= LEVELS_MAX:
        raise ValueError(f"referral.levels: found {len(entry.levels)}, expected 1 to {LEVELS_MAX}")
    for each in (*entry.levels, entry.buyer):
        if each.percent and each.days:
            raise ValueError("referral: found percent and days for one level, expected one of them")
    levels = tuple(Earning(each.percent, each.days) for each in entry.levels)
    buyer = Earning(entry.buyer.percent, entry.buyer.days)
    return ReferralTerms(levels, buyer, first_only=not entry.every)


def _reminders(entry: RemindersEntry, time_zone: str) -> Reminders:
    quiet = None
    if entry.quiet_hours is not None:
        begins, ends = (time_of_day("reminders.quiet_hours", each) for each in entry.quiet_hours)
        if begins == ends:
            raise ValueError(
                "reminders.quiet_hours: found the same time twice, expected some time left to remind"
            )
        quiet = QuietHours(begins, ends)
    return Reminders(_terms("reminders", entry), _terms("reminders.trial", entry.trial), quiet, time_zone)


def _terms(key: str, entry: ReminderTermsEntry) -> ReminderTerms:
    before = tuple(duration_of(f"{key}.before", each) for each in entry.before)
    after = tuple(duration_of(f"{key}.after", each) for each in entry.after)
    if len(set(before)) < len(before) or len(set(after)) < len(after):
        raise ValueError(f"{key}: found the same length of time twice, expected each once")
    return ReminderTerms(before, after)


def time_of_day(key: str, text: str) -> time:
    """A time such as 22:00; raises ValueError with a sentence that names the key."""
    match = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", text)
    if match is None:
        raise ValueError(f"{key}: found {text!r}, expected a time of day such as '22:00'")
    return time(int(match[1]), int(match[2]))


def _title(key: str, title: str | Mapping[str, str], language: str) -> str:
    """The title in the shop's language, after a check of the others."""
    if isinstance(title, str):
        return title
    for found in title:
        if found not in languages():
            raise ValueError(f"{key}: found the language {found!r}, expected one of {', '.join(languages())}")
    if language not in title:
        raise ValueError(f"{key}: there is none for {language!r}, expected one (it is shop.language)")
    return title[language]


def _price(key: str, text: str, currency: str) -> Money:
    try:
        money = Money.parse(text)
    except BadMoney as error:
        raise ValueError(f"{key}: {error}") from None
    if money.currency != currency or money.minor <= 0:
        raise ValueError(f"{key}: found {text!r}, expected a positive amount in {currency} (shop.currency)")
    return money


_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


_BYTES: Final = {"MB": 10**6, "GB": 10**9, "TB": 10**12}


def traffic_of(key: str, text: str | None) -> int | None:
    """Bytes as the file says them, None for no limit; raises ValueError with a sentence that begins with the key."""
    if text is None:
        return None
    match = re.fullmatch(r"([1-9][0-9]{0,5}) ?(MB|GB|TB)", text)
    if match is None:
        raise ValueError(f"{key}: found {text!r}, expected an amount such as '100 GB', '500 MB' or '2 TB'")
    return int(match[1]) * _BYTES[match[2]]


def duration_of(key: str, text: str) -> timedelta:
    """A length of time as the file says it; raises ValueError with a sentence that begins with the key."""
    match = re.fullmatch(r"([1-9][0-9]{0,4})([smhd])", text)
    if match is None:
        raise ValueError(f"{key}: found {text!r}, expected a length of time such as '30d', '12h' or '5m'")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
