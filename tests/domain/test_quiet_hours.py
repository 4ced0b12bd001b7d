"""Reminders and the nights of their readers: each on their own clock, and none in quiet hours."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.catalogue import QuietHours, ReminderTerms
from domain.commands import GrantTime
from domain.reminders import LAST_ONE_LASTS, schedule, silence_at
from tests.domain.memory import Shop
from tests.domain.test_access import buy, subscription
from tests.domain.test_reminders import DAY, HOUR, pass_time
from tests.storage.shop import ALICE, NOW

ZONES = [
    ZoneInfo(name) for name in ("UTC", "Europe/Moscow", "America/St_Johns", "Asia/Kathmandu", "Europe/Berlin")
]


def test_a_person_is_reminded_on_their_own_clock() -> None:
    shop = Shop()
    buy(shop)
    user = shop.rows.users.get(ALICE.id)
    assert user is not None
    shop.rows.users.put(replace(user, time_zone="Australia/Sydney"))
    grant = GrantTime(request="r", by="olga", reason="x", user_id=ALICE.id, days=1)
    assert shop.do(grant).done
    ends_at = NOW + 31 * DAY
    said = [moment.astimezone(ZoneInfo("Australia/Sydney")) for moment, _ in pass_time(shop, ends_at)]
    assert [(moment.day, moment.hour) for moment in said] == [(22, 9), (24, 9), (24, 20)]


@pytest.mark.requirement("W9")
@pytest.mark.parametrize("hour", [0, 1, 3])
def test_what_must_come_before_the_night_comes_though_workers_look_only_now_and_then(hour: int) -> None:
    moscow = ZoneInfo("Europe/Moscow")
    shop = Shop()
    shop.now = datetime(2026, 11, 24, hour, 50, tzinfo=moscow).astimezone(NOW.tzinfo)
    buy(shop)
    ends_at = subscription(shop).expires_at
    pass_time(shop, ends_at - 12 * HOUR)
    shop.wait(timedelta(minutes=12))
    evening = pass_time(shop, ends_at, timedelta(minutes=15))
    assert [kind for _, kind in evening] == ["ends_soon"]
    [row] = [row for row in shop.rows.outbox.changed.values() if row.created_at == evening[0][0]]
    assert row.not_before == row.created_at, "it does not wait for a morning that is too late"
    assert row.not_before.astimezone(moscow).hour < 22


moments = st.integers(0, 2 * 365 * 86_400).map(lambda seconds: NOW + timedelta(seconds=seconds))
lengths = st.lists(st.integers(1, 10 * 86_400).map(lambda s: timedelta(seconds=s)), unique=True, max_size=4)
hours = st.integers(0, 23).map(time)


@given(moments, lengths, lengths, hours, hours, st.sampled_from(ZONES))
def test_no_reminder_of_any_terms_is_due_in_quiet_hours_or_after_it_makes_sense(
    ends_at: datetime,
    before: list[timedelta],
    after: list[timedelta],
    begins: time,
    ends: time,
    zone: ZoneInfo,
) -> None:
    quiet = None if begins == ends else QuietHours(begins, ends)
    reminders = schedule(ReminderTerms(tuple(before), tuple(after)), ends_at, quiet, zone)
    assert len({each.name for each in reminders}) == len(before) + len(after)
    for each in reminders:
        assert each.due_at < each.until
        assert each.until <= ends_at if each.is_before_end else each.until > ends_at
        assert silence_at(quiet, zone, each.due_at) is None
    if reminders and after:
        assert reminders[-1].until == ends_at + max(after) + LAST_ONE_LASTS
