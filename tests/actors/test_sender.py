"""The sender against a real database and the Telegram sandbox: what arrives, how often, and what is recorded of it."""

from datetime import timedelta
from pathlib import Path

import pytest
import trio

from actors.messages import LookAgain, Write
from domain import messages
from domain.commands import FinalizePayment, Person, SetAutoRenewal, Show, StartPurchase
from domain.entities import Provider
from tests.actors.post import Outbox, open_sender, open_telegram
from tests.actors.systems import Running
from tests.fixtures.postgres import Database
from tests.storage.shop import NOW

ALICE, BOB, CLARA = 1001, 1002, 1003
FACT = messages.Expired(title="1 month")
REMINDER = messages.EndsSoon(title="1 month", expires_at=NOW)
NEWS = messages.Announcement(html="News")


def look(running: Running) -> None:
    running.system.ref("sender").cast(LookAgain())


@pytest.mark.requirement("N3")
async def test_without_an_answer_a_fact_is_sent_again_and_a_reminder_is_not(
    database: Database, tmp_path: Path
) -> None:
    outbox = Outbox(database)
    async with open_telegram(tmp_path, ALICE, BOB, CLARA) as telegram:
        numbers = [outbox.write(ALICE, FACT), outbox.write(BOB, REMINDER), outbox.write(CLARA, NEWS)]
        await telegram.fault("drop", 3)
        async with open_sender(database, tmp_path, telegram.address):
            await outbox.until_settled(*numbers)
        said = [len(await telegram.chat(person)) for person in (ALICE, BOB, CLARA)]
    assert said == [2, 1, 1]
    assert [outbox.state(number) for number in numbers] == ["sent", "unknown", "unknown"]


@pytest.mark.requirement("N3", "N5")
async def test_a_pause_that_telegram_asks_for_repeats_nothing_and_makes_no_message(
    database: Database, tmp_path: Path
) -> None:
    outbox = Outbox(database)
    async with open_telegram(tmp_path, ALICE, BOB, CLARA) as telegram:
        numbers = [outbox.write(ALICE, FACT), outbox.write(BOB, REMINDER), outbox.write(CLARA, NEWS)]
        await telegram.fault("429", 5, retry_after=1)
        async with open_sender(database, tmp_path, telegram.address):
            await outbox.until_settled(*numbers)
        said = [len(await telegram.chat(person)) for person in (ALICE, BOB, CLARA)]
        calls = await telegram.calls()
    assert said == [1, 1, 1]
    assert [outbox.state(number) for number in numbers] == ["sent", "sent", "sent"]
    assert len(calls) == 3 + 5
    assert outbox.rows("SELECT count(*) FROM outbox") == [(3,)]


@pytest.mark.requirement("N4")
async def test_a_blocked_bot_ends_the_message_and_leaves_everything_else_as_it_was(
    database: Database, tmp_path: Path
) -> None:
    outbox = Outbox(database)
    async with (
        open_telegram(tmp_path, ALICE) as telegram,
        open_sender(database, tmp_path, telegram.address) as here,
    ):
        writer, alice = here.system.ref("db_writer"), Person(ALICE, "Alice")
        started = await writer.call(Write(StartPurchase(1, alice, "plan:month", Provider.STARS)))
        assert started is not None
        paid = FinalizePayment(
            provider=Provider.STARS,
            charge_id="charge",
            amount=started.price,
            purchase_id=started.purchase_id,
            payer=ALICE,
        )
        await writer.call(Write(paid))
        await writer.call(Write(SetAutoRenewal(2, alice, on=True)))
        await outbox.until("SELECT bool_and(state = 'sent') AND count(*) = 3 FROM outbox")
        assert outbox.rows("SELECT auto_renewal FROM subscriptions") == [(True,)]
        before = outbox.everything_else()
        await telegram.block(ALICE)
        for message in (FACT, NEWS):
            number = outbox.write(ALICE, message)
            look(here)
            await outbox.until_settled(number)
        assert outbox.rows("SELECT state, attempts, error FROM outbox WHERE id >= 1000000 ORDER BY id") == [
            ("failed", 1, "Forbidden: bot was blocked by the user"),
            ("failed", 0, "this person could not be reached the last time"),
        ]
        assert outbox.rows("SELECT unreachable_since IS NOT NULL FROM users") == [(True,)]
        assert outbox.everything_else() == before

        await telegram.block(ALICE, False)
        await writer.call(Write(Show(3, alice, "home")))
        assert outbox.rows("SELECT unreachable_since IS NULL FROM users") == [(True,)]
        later = outbox.write(ALICE, NEWS)
        look(here)
        await outbox.until_settled(later)
        assert outbox.state(later) == "sent"


@pytest.mark.requirement("N4")
async def test_a_passing_failure_is_tried_again(database: Database, tmp_path: Path) -> None:
    outbox = Outbox(database)
    async with open_telegram(tmp_path, ALICE) as telegram:
        outbox.meet(ALICE)
        number = outbox.write(ALICE, REMINDER)
        await telegram.fault("500", 1)
        async with open_sender(database, tmp_path, telegram.address):
            await outbox.until_settled(number)
        assert len(await telegram.chat(ALICE)) == 1
    assert outbox.rows("SELECT state, attempts FROM outbox") == [("sent", 2)]
    assert outbox.rows("SELECT unreachable_since IS NULL FROM users") == [(True,)]


@pytest.mark.requirement("N7")
async def test_after_eight_hours_of_downtime_only_what_still_makes_sense_is_sent(
    database: Database, tmp_path: Path
) -> None:
    outbox = Outbox(database)
    then = NOW - timedelta(hours=8)
    async with open_telegram(tmp_path, ALICE, BOB) as telegram:
        too_late = [
            outbox.write(BOB, REMINDER, not_before=then, expires_at=NOW - timedelta(seconds=n))
            for n in range(250)
        ]
        screen = outbox.write(ALICE, messages.Help(), not_before=then)
        fact = outbox.write(ALICE, FACT, not_before=then)
        still = outbox.write(BOB, REMINDER, not_before=then, expires_at=NOW + timedelta(hours=1))
        async with open_sender(database, tmp_path, telegram.address):
            await outbox.until_settled(fact, still, screen, *too_late)
        assert len(await telegram.calls()) == 2
    assert {outbox.state(number) for number in (screen, *too_late)} == {"dropped"}
    assert [outbox.state(fact), outbox.state(still)] == ["sent", "sent"]


@pytest.mark.requirement("N3")
async def test_what_was_marked_when_the_process_ended_is_not_sent_again(
    database: Database, tmp_path: Path
) -> None:
    outbox = Outbox(database)
    async with open_telegram(tmp_path, ALICE, BOB) as telegram:
        marked = outbox.write(ALICE, REMINDER, state="sending")
        behind = outbox.write(ALICE, REMINDER)
        async with open_sender(database, tmp_path, telegram.address):
            await outbox.until_settled(marked, behind)
        assert len(await telegram.calls()) == 1
    assert [outbox.state(marked), outbox.state(behind)] == ["unknown", "sent"]


async def test_a_mark_that_came_after_nobody_waited_for_it_any_more_is_taken_off(
    database: Database, tmp_path: Path
) -> None:
    outbox = Outbox(database)
    async with open_telegram(tmp_path, ALICE, BOB) as telegram:
        async with open_sender(database, tmp_path, telegram.address) as here:
            first = outbox.write(BOB, FACT)
            look(here)
            await outbox.until_settled(first)
            lost = outbox.write(ALICE, REMINDER, state="sending")
            await outbox.until_settled(lost)
        assert len(await telegram.chat(ALICE)) == 1
    assert outbox.rows(f"SELECT state, attempts FROM outbox WHERE id = {lost}") == [("sent", 1)]


async def test_what_was_prepared_and_not_sent_waits_unmarked_for_the_next_start(
    database: Database, tmp_path: Path
) -> None:
    outbox = Outbox(database)
    async with open_telegram(tmp_path, ALICE, BOB, CLARA) as telegram:
        await telegram.fault("429", 1, retry_after=60)
        fact = outbox.write(ALICE, FACT)
        async with open_sender(database, tmp_path, telegram.address) as here:
            await outbox.until(f"SELECT attempts = 1 FROM outbox WHERE id = {fact}")
            waiting = [outbox.write(BOB, REMINDER), outbox.write(CLARA, NEWS)]
            look(here)
            await outbox.until("SELECT count(*) = 2 FROM outbox WHERE state = 'sending'")
        assert len(await telegram.calls()) == 1
    for number in waiting:
        assert outbox.rows(f"SELECT state, attempts FROM outbox WHERE id = {number}") == [("pending", 0)]


@pytest.mark.requirement("N5")
async def test_a_message_that_must_wait_holds_back_its_chat_and_nobody_else_across_a_restart(
    database: Database, tmp_path: Path
) -> None:
    outbox = Outbox(database)
    async with open_telegram(tmp_path, ALICE, BOB) as telegram:
        first = outbox.write(ALICE, messages.Expired(title="first"), not_before=NOW + timedelta(seconds=4))
        second = outbox.write(ALICE, messages.Expired(title="second"))
        third = outbox.write(ALICE, messages.Expired(title="third"))
        other = outbox.write(BOB, FACT)
        async with open_sender(database, tmp_path, telegram.address) as here:
            await outbox.until_settled(other)
            await here.system.restart("sender")
            await outbox.until_settled(first, second, third)
        said = await telegram.chat(ALICE)
    assert [next(word for word in ("first", "second", "third") if word in text) for text in said] == [
        "first",
        "second",
        "third",
    ]


@pytest.mark.requirement("N5")
async def test_a_new_life_of_the_sender_keeps_the_pace_of_the_one_before(
    database: Database, tmp_path: Path
) -> None:
    outbox = Outbox(database)
    async with (
        open_telegram(tmp_path, ALICE) as telegram,
        open_sender(database, tmp_path, telegram.address) as here,
    ):
        numbers = [outbox.write(ALICE, FACT)]
        look(here)
        await outbox.until_settled(numbers[0])
        sent_at = trio.current_time()
        await here.system.restart("sender")
        numbers.append(outbox.write(ALICE, FACT))
        look(here)
        await outbox.until_settled(*numbers)
    assert trio.current_time() - sent_at > 0.9
