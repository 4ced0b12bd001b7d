"""`broadcast` with a real database and the sandbox of Telegram: everybody whom it is for, once, whatever happens."""

from collections import Counter
from pathlib import Path

import pytest

from actors.audience import Aim, AudienceReader
from domain.entities import BroadcastAudience
from tests.actors.access import buy, open_access, try_out
from tests.actors.broadcasting import open_studio
from tests.actors.post import Outbox, TelegramSide, open_telegram
from tests.actors.systems import environment
from tests.fixtures.postgres import Database
from tests.storage.test_writer import owner_of

PEOPLE = range(1001, 1041)
TEXT = "<b>News</b> &amp; more\nOur channel - https://t.me/ours"


async def heard(telegram: TelegramSide) -> Counter[int]:
    """How often each person got it."""
    return Counter({person: (await telegram.chat(person)).count("News & more") for person in PEOPLE})


@pytest.mark.requirement("W8", "N6")
async def test_everybody_gets_it_once_and_its_maker_learns_what_became_of_it(
    database: Database, tmp_path: Path
) -> None:
    Outbox(database).meet(*PEOPLE)
    async with (
        open_telegram(tmp_path, *PEOPLE) as telegram,
        open_studio(database, tmp_path, telegram.address) as studio,
    ):
        await telegram.block(PEOPLE[0])
        await telegram.block(PEOPLE[1])
        made = await studio.order("CreateBroadcast", html="<b>News</b> &amp; more")
        assert made["number"] == 1
        await studio.steer("start")
        await studio.until("ended_at IS NOT NULL")
        got = await heard(telegram)
        assert studio.counts() == ("done", 38, 2, 0, 0, 0)
    assert got == Counter(dict.fromkeys(PEOPLE[2:], 1))


@pytest.mark.requirement("W8")
async def test_it_reaches_the_segment_that_its_maker_named_and_nobody_else(
    database: Database, tmp_path: Path
) -> None:
    outbox = Outbox(database)
    outbox.meet(*PEOPLE)
    outbox.execute(f"UPDATE users SET chosen_language = 'ru' WHERE id < {PEOPLE[10]}")
    async with (
        open_telegram(tmp_path, *PEOPLE) as telegram,
        open_studio(database, tmp_path, telegram.address) as studio,
    ):
        await studio.order("CreateBroadcast", html="<b>News</b> &amp; more", language="ru")
        await studio.steer("start")
        await studio.until("ended_at IS NOT NULL")
        assert +await heard(telegram) == Counter(dict.fromkeys(PEOPLE[:10], 1))


@pytest.mark.requirement("N6")
async def test_paused_it_says_nothing_more_and_resumed_after_a_restart_it_repeats_nobody(
    database: Database, tmp_path: Path
) -> None:
    Outbox(database).meet(*PEOPLE)
    async with open_telegram(tmp_path, *PEOPLE) as telegram:
        async with open_studio(database, tmp_path, telegram.address) as studio:
            await studio.order("CreateBroadcast", html="<b>News</b> &amp; more")
            await studio.steer("start")
            await studio.outbox.until("SELECT count(*) > 5 FROM outbox WHERE state = 'sent'")
            await studio.steer("pause")
            await studio.outbox.until("SELECT NOT EXISTS (SELECT FROM outbox WHERE state = 'sending')")
            await studio.until("sent > 0")
            paused = await heard(telegram)
        assert 5 < paused.total() < len(PEOPLE), "in the middle"
        async with open_studio(database, tmp_path, telegram.address) as studio:
            assert studio.counts()[0] == "paused"
            assert await heard(telegram) == paused
            await studio.steer("resume")
            studio.outbox.execute("UPDATE outbox SET not_before = created_at WHERE state = 'pending'")
            await studio.until("ended_at IS NOT NULL")
            assert studio.counts() == ("done", 40, 0, 0, 0, 0)
        assert await heard(telegram) == Counter(dict.fromkeys(PEOPLE, 1))


@pytest.mark.requirement("N6")
async def test_cancelled_it_reaches_nobody_more(database: Database, tmp_path: Path) -> None:
    Outbox(database).meet(*PEOPLE)
    async with (
        open_telegram(tmp_path, *PEOPLE) as telegram,
        open_studio(database, tmp_path, telegram.address) as studio,
    ):
        await studio.order("CreateBroadcast", html="<b>News</b> &amp; more")
        await studio.steer("start")
        await studio.outbox.until("SELECT count(*) > 5 FROM outbox WHERE state = 'sent'")
        await studio.steer("cancel")
        await studio.until("ended_at IS NOT NULL")
        state, sent, *_, dropped = studio.counts()
        got = await heard(telegram)
    assert (state, sent, sent + dropped) == ("cancelled", got.total(), 40)
    assert 5 < sent < 40
    assert max(got.values()) == 1


async def test_what_was_sent_is_edited_and_then_taken_back_from_everybody(
    database: Database, tmp_path: Path
) -> None:
    few = PEOPLE[:5]
    Outbox(database).meet(*few)
    async with (
        open_telegram(tmp_path, *few) as telegram,
        open_studio(database, tmp_path, telegram.address) as studio,
    ):
        await studio.order("CreateBroadcast", html="News")
        await studio.steer("start")
        await studio.until("ended_at IS NOT NULL")
        await studio.order("EditBroadcast", broadcast_id=1, html="Better news")
        await studio.until("ended_at IS NOT NULL AND changed = 5")
        edited = [await telegram.chat(person) for person in few]
        await studio.steer("delete")
        await studio.until("ended_at IS NOT NULL AND action = 'delete' AND changed = 5")
        left = [await telegram.chat(person) for person in few]
        assert studio.counts() == ("done", 5, 0, 0, 0, 0)
    assert edited == [["Better news"]] * 5
    assert left == [[]] * 5


@pytest.mark.parametrize(
    ("html", "why"),
    [
        ("<b>News", "<b> is not closed"),
        ("", "0 characters"),
        ("x" * 4097, "4097 characters, expected 1 to 4096"),
    ],
)
async def test_a_text_that_telegram_would_refuse_is_refused_before_anybody_is_written_to(
    html: str, why: str, database: Database, tmp_path: Path
) -> None:
    async with open_studio(database, tmp_path, "http://127.0.0.1:9") as studio:
        with pytest.raises(Exception, match=why):
            await studio.order("CreateBroadcast", html=html)


async def somebody_of_each_kind(database: Database, folder: Path) -> None:
    """1 has never had anything, 2 is on trial, 3 has a month, 4 and 5 had one; 5 cannot be reached; 6 is Russian."""
    Outbox(database).meet(1, 6)
    async with open_access(database, folder) as here:
        writer = here.system.ref("db_writer")
        await try_out(writer, 2)
        for person in (3, 4, 5):
            await buy(writer, person)
    with owner_of(database) as owner:
        owner.execute("UPDATE users SET unreachable_since = created_at WHERE id = 5")
        owner.execute("UPDATE users SET language = 'ru-RU', chosen_language = 'ru' WHERE id = 6")
        owner.execute("UPDATE users SET language = 'RU' WHERE id = 1")
        owner.execute(
            "WITH ended AS (UPDATE subscriptions SET status = 'expired' WHERE user_id IN (4, 5) RETURNING id)"
            " UPDATE grants SET present = false FROM ended WHERE subscription_id = id"
        )
        owner.execute(
            "INSERT INTO provisions SELECT subscription_id, 'one', 1, true, '2026-01-01Z' FROM grants "
            "JOIN subscriptions ON id = subscription_id WHERE user_id = 3"
        )
        owner.execute(
            "INSERT INTO broadcasts SELECT 9, 'draft', 'send', 0, 'listed', 'x', NULL, '[]', 'olga', '2026-01-01Z',"
            " NULL, NULL, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL"
        )
        owner.execute("INSERT INTO listings VALUES (9, 2), (9, 5), (9, 4711)")


AUDIENCES = [
    (Aim(), {1, 2, 3, 4, 6}),
    (Aim(BroadcastAudience.WITHOUT), {1, 4, 6}),
    (Aim(BroadcastAudience.ACTIVE), {3}),
    (Aim(BroadcastAudience.TRIAL), {2}),
    (Aim(BroadcastAudience.EXPIRED), {4}),
    (Aim(BroadcastAudience.LISTED, broadcast_id=9), {2}),
    (Aim(plan="month"), {3, 4}),
    (Aim(BroadcastAudience.ACTIVE, plan="year"), set()),
    (Aim(node="one"), {3}),
    (Aim(language="ru"), {1, 6}),
    (Aim(language="en"), {2, 3, 4}),
    (Aim(BroadcastAudience.EXPIRED, plan="month", language="en"), {4}),
]


@pytest.mark.requirement("W8")
async def test_a_broadcast_is_for_those_whom_it_names_and_nobody_else(
    database: Database, tmp_path: Path
) -> None:
    await somebody_of_each_kind(database, tmp_path)
    async with environment(database, tmp_path) as surroundings:
        audience = AudienceReader(surroundings.readers, "test", default="en")
        [(last,)] = Outbox(database).rows("SELECT max(number) FROM users")
        for aim, expected in AUDIENCES:
            reach = await audience.reach(aim)
            assert (reach.people, reach.last_number) == (len(expected), last), aim
            found, after = set(), 0
            while page := await audience.page(aim, after, reach.last_number, 2):
                found |= {each.id for each in page if each.meant}
                after = page[-1].number
            assert found == expected, aim
