"""Administrators are told of money, alerts and the day in their chat: once each, folded, behind everybody else."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from actors.admin_chat import Admins, Topics
from actors.db_writer import DbWriter
from actors.letters import Letter, other_way
from actors.messages import LookAgain, Write
from actors.notices import Notices
from actors.outbox import Due
from actors.screens import Shop
from actors.sender import Sender
from actors.settings import Telegram, configuration_of
from domain.commands import FinalizePayment, RecordRefund
from domain.entities import Provider
from domain.money import Money
from integrations.telegram.outgoing import Permanent, SendText
from integrations.telegram.sandbox import SANDBOX_TOKEN
from runtime import Actor, Ask, ConfigError, Context, Message
from tests.actors.access import buy, try_out
from tests.actors.post import Outbox, TelegramSide, open_telegram
from tests.actors.systems import Running, environment, running
from tests.fixtures.postgres import Database
from tests.storage.shop import CATALOGUE, NOW

CHAT = 1001
REPORT = datetime(2026, 11, 24, 9, tzinfo=UTC)


class Alarm(Actor):
    """Raises and ends alerts at a word."""

    async def receive(self, message: Message) -> object:
        assert isinstance(message, Ask)
        verb, _, kind = message.body.partition(" ")
        self.context.alert(kind, f"{kind} burns") if verb == "begin" else self.context.end_alert(kind)
        return ""


@dataclass(frozen=True, slots=True)
class Office:
    """A shop whose administrators are told, and what they were told."""

    here: Running
    telegram: TelegramSide
    outbox: Outbox

    async def told(self) -> list[str]:
        """All that is in the administrators' chat, after everything that is written was sent."""
        await self.outbox.until("SELECT NOT EXISTS (SELECT FROM outbox WHERE state = 'pending')")
        return await self.telegram.chat(CHAT)

    async def until_told(self, kind: str, times: int = 1) -> list[str]:
        """The same, once so many of a kind are written."""
        await self.outbox.until(f"SELECT count(*) >= {times} FROM outbox WHERE kind = '{kind}'")
        return await self.told()

    async def look(self) -> None:
        """Have it look, and wait until it has."""
        notices = self.here.system.ref("notices")
        notices.cast(LookAgain())
        with pytest.raises(Exception, match="does not understand"):
            await notices.call(Ask("are you done?"))

    async def alert(self, word: str) -> None:
        """Have an alert raised or ended."""
        await self.here.system.ref("alarm").call(Ask(word))


@asynccontextmanager
async def open_office(
    database: Database,
    folder: Path,
    telegram: TelegramSide,
    topics: Topics = Topics(),  # noqa: B008 - it is frozen
    start: datetime = NOW,
) -> AsyncIterator[Office]:
    admins = Admins([CHAT], CHAT, topics, "9:00")
    bot = Telegram(api=telegram.address)
    async with environment(database, folder, telegram=bot, admins=admins) as surroundings:
        shop = Shop("Test VPN", "@help", CATALOGUE, [], "http://127.0.0.1:1", crypto=True)
        actors: dict[str, Callable[[Context], Actor]] = {
            "db_writer": partial(DbWriter, environment=surroundings),
            "sender": partial(Sender, environment=surroundings, shop=shop),
            "notices": partial(Notices, environment=surroundings),
            "alarm": Alarm,
        }
        async with running(actors, ["vpn"], start=start) as here:
            office = Office(here, telegram, Outbox(database))
            await office.look()
            yield office


async def test_what_was_paid_is_told_once_in_one_message_and_nothing_of_before(
    database: Database, tmp_path: Path
) -> None:
    async with open_telegram(tmp_path, CHAT, 2, 3) as telegram:
        async with open_office(database, tmp_path, telegram) as office:
            writer = office.here.system.ref("db_writer")
            for person in range(11, 23):
                await buy(writer, person)
            odd = FinalizePayment(
                provider=Provider.CARDS, charge_id="x", amount=Money(100, "RUB"), purchase_id=None, payer=4
            )
            await writer.call(Write(odd))
            await office.look()
            [told] = await office.until_told("money_notice")
            lines = told.split("\n")
            assert lines[0] == "⚠️ 1 ₽ · unknown · card · 4 — for nothing that we know".replace(
                "1 ₽", "1\xa0₽"
            )
            assert lines[1:10] == [
                f"💳 150\xa0⭐ · 1 month · Telegram Stars · {each}" for each in range(11, 20)
            ]
            assert lines[10:] == ["… and 3 more: 450\xa0⭐"]
            await office.look()
        async with open_office(database, tmp_path, telegram) as office:
            assert await office.told() == [told], "neither twice nor again after a restart"


async def test_a_payment_that_was_sent_back_is_told(database: Database, tmp_path: Path) -> None:
    async with open_telegram(tmp_path, CHAT) as telegram, open_office(database, tmp_path, telegram) as office:
        writer = office.here.system.ref("db_writer")
        await buy(writer, 5)
        refund = RecordRefund(
            provider=Provider.STARS,
            charge_id="charge-5",
            amount=Money(150, "XTR"),
            purchase_id=1,
            payer=5,
            by="olga",
        )
        assert await writer.call(Write(refund))
        await office.look()
        told = await office.until_told("money_notice", 2)
        assert told[-1] == "↩️ 150\xa0⭐ sent back · 1 month · Telegram Stars · 5"


async def test_alerts_are_told_and_a_storm_of_them_is_folded(database: Database, tmp_path: Path) -> None:
    async with open_telegram(tmp_path, CHAT) as telegram, open_office(database, tmp_path, telegram) as office:
        await office.alert("begin the cellar")
        assert await office.until_told("alerts_notice") == ["🔴 alarm: the cellar burns"]
        for number in range(15):
            await office.alert(f"begin room {number}")
        await office.alert("end the cellar")
        await office.look()
        assert len(await office.told()) == 1, "not within a minute"


async def test_a_crash_is_told(database: Database, tmp_path: Path) -> None:
    async with open_telegram(tmp_path, CHAT) as telegram, open_office(database, tmp_path, telegram) as office:
        office.here.system.killer("alarm", RuntimeError(f"no answer from bot{SANDBOX_TOKEN}"))()
        [told] = await office.until_told("alerts_notice")
    assert told == "🔴 alarm: it crashed: RuntimeError: no answer from bot[token]"


@pytest.mark.parametrize("chat_is_there", [True, False])
async def test_a_chat_that_cannot_be_reached_holds_up_nobody_and_nothing_goes_to_others(
    chat_is_there: bool, database: Database, tmp_path: Path
) -> None:
    async with (
        open_telegram(tmp_path, CHAT, 2) as telegram,
        open_office(database, tmp_path, telegram) as office,
    ):
        await telegram.block(CHAT, not chat_is_there)
        await office.alert("begin the cellar")
        await office.outbox.until("SELECT count(*) = 1 FROM outbox WHERE kind = 'alerts_notice'")
        await try_out(office.here.system.ref("db_writer"), 2)
        told = await office.told()
        assert [each[:12] for each in await telegram.chat(2)] == ["🎁 Trial has "]
        assert len(told) == chat_is_there
        [(state,)] = office.outbox.rows("SELECT state FROM outbox WHERE kind = 'alerts_notice'")
        assert state == ("sent" if chat_is_there else "failed")


async def test_the_day_is_reported_at_its_hour_in_the_time_zone_of_the_shop_once(
    database: Database, tmp_path: Path
) -> None:
    async with open_telegram(tmp_path, CHAT) as telegram:
        async with open_office(database, tmp_path, telegram) as office:
            writer = office.here.system.ref("db_writer")
            await try_out(writer, 2)
            await buy(writer, 3)
            await buy(writer, 3, again=1)
            await buy(writer, 4)
            await office.look()
            await office.until_told("money_notice")
            office.here.clock.move(REPORT - NOW - timedelta(minutes=1))
            await office.look()
            assert not office.outbox.rows("SELECT FROM outbox WHERE kind = 'daily_report'")
            office.here.clock.move(timedelta(minutes=2))
            await office.look()
            report = (await office.until_told("daily_report"))[-1]
        async with open_office(database, tmp_path, telegram, start=REPORT + timedelta(hours=1)) as office:
            assert (await office.told())[-1] == report, "not again after a restart"
    assert report == (
        "📊 November 23, 2026\n\n💰 Received: 450\xa0⭐\n\n👤 New people: 3, trials: 1\n"
        "🛒 First purchases: 2, renewed: 0\n⏳ Ended: 0, active now: 3\n\n🖥 Nodes that answer: 0 of 0"
    )


async def test_topics_get_what_is_theirs(database: Database, tmp_path: Path) -> None:
    async with open_telegram(tmp_path, CHAT) as telegram:
        topics = Topics(payments=7, alerts=8)
        async with open_office(database, tmp_path, telegram, topics) as office:
            await buy(office.here.system.ref("db_writer"), 5)
            await office.look()
            await office.until_told("money_notice")
            await office.alert("begin the cellar")
            await office.until_told("alerts_notice")
            asked = [call["params"] for call in await telegram.calls()]
    assert [each.get("message_thread_id") for each in asked if each["chat_id"] == str(CHAT)] == ["7", "8"]


def test_what_is_for_a_topic_that_was_deleted_goes_to_the_chat_itself() -> None:
    due = Due(1, -5, 1, "alerts_notice", "{}", 0, NOW, None, None, None, None)
    letter = Letter(due, SendText(-5, "It burns", thread=8))
    gone = Permanent("Bad Request: message thread not found", unreachable=False)
    assert other_way(letter, gone) == SendText(-5, "It burns")
    letter.outgoing = SendText(-5, "It burns")
    assert other_way(letter, gone) is None


@pytest.mark.parametrize(
    ("admins", "sentence"),
    [
        ({"report_at": "25:00"}, "admins.report_at: found '25:00', expected a time of day such as '22:00'"),
        ({"chat": 0}, "admins.chat: found 0, expected the id of a chat, such as -1001234567890 for a group"),
        (
            {"topics": {"alerts": 4}},
            "admins.topics: found topics while admins.chat is left out, expected the id",
        ),
        (
            {"chat": 5, "topics": {"alerts": 4}},
            "admins.topics: found topics while admins.chat is 5, expected",
        ),
        ({"chat": -5, "topics": {"alerts": 0}}, "admins.topics.alerts: expected `int` >= 1"),
        ({"chta": -5}, "admins.chta: unknown key, did you mean 'chat'?"),
    ],
)
def test_a_mistake_in_the_settings_is_one_sentence(admins: dict[str, Any], sentence: str) -> None:
    plan = {"id": "month", "title": "1 month", "duration": "30d", "price": "199.00 RUB", "stars": 150}
    document = {"shop": {"name": "Test", "currency": "RUB"}, "plans": [plan], "admins": admins}
    with pytest.raises(ConfigError) as error:
        configuration_of(document, "test.toml")
    assert str(error.value).startswith(f"test.toml: {sentence}")
    assert "\n" not in str(error.value)
