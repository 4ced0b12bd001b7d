"""`turnpike messages`: what became of each message to somebody, as a process against a running system."""

import json
from datetime import timedelta
from pathlib import Path

from actors.correspondence import PAGE
from domain import messages
from domain.commands import SettleMessage
from domain.entities import MessageState
from tests.actors.post import Outbox
from tests.fixtures.postgres import Database
from tests.storage.shop import NOW
from tests.turnpike.test_money import Shop, shop_in

ALICE, BOB = 1001, 1002
FACT = messages.Expired(title="1 month")
REMINDER = messages.EndsSoon(title="1 month", expires_at=NOW)


async def settle(shop: Shop, number: int, state: MessageState, error: str | None = None) -> None:
    unreachable = error is not None and "Forbidden" in error
    later = NOW + timedelta(minutes=10) if state is MessageState.PENDING else None
    await shop.write(
        SettleMessage(outbox_id=number, state=state, error=error, not_before=later, unreachable=unreachable)
    )


async def test_each_message_shows_where_it_is_and_what_went_wrong_the_newest_first(
    database: Database, tmp_path: Path
) -> None:
    outbox = Outbox(database)
    async with shop_in(database, tmp_path) as shop:
        assert await shop.said("messages", "1001") == "User 1001 has never written to the bot.\n"
        outbox.meet(ALICE)
        assert await shop.said("messages", "1001") == "Somebody (1001) was not told anything yet.\n"
        sent, waiting, failed, unknown = (outbox.write(ALICE, FACT) for _ in range(4))
        marked = outbox.write(ALICE, REMINDER, state="sending")
        outbox.write(BOB, FACT)
        await settle(shop, sent, MessageState.SENT)
        await settle(shop, waiting, MessageState.PENDING, "Telegram asks\x1b[31m for a pause")
        await settle(shop, failed, MessageState.FAILED, "Forbidden: bot was blocked by the user")
        await settle(shop, unknown, MessageState.UNKNOWN, "no answer")

        head, heads, *lines = (await shop.said("messages", "1001")).splitlines()
        assert head.startswith("Somebody (1001) cannot be reached: ")
        assert heads.split() == ["message", "written", "kind", "state", "tries", "what", "went", "wrong"]
        assert [int(line.split()[0]) for line in lines] == [marked, unknown, failed, waiting, sent]
        assert [
            next(word for word in ("sending", "perhaps sent", "failed", "waiting", "sent") if word in line)
            for line in lines
        ] == ["sending", "perhaps sent", "failed", "waiting", "sent"]
        assert "bot was blocked by the user" in lines[2]
        assert "in 10 min" in lines[3]
        assert "Telegram asks [31m for a pause" in lines[3], "nothing that steers the terminal"

        rows = [json.loads(line) for line in (await shop.said("messages", "1001", "--json")).splitlines()]
        assert [(row["id"], row["state"], row["attempts"]) for row in rows] == [
            (marked, "sending", 1),
            (unknown, "unknown", 1),
            (failed, "failed", 1),
            (waiting, "pending", 1),
            (sent, "sent", 1),
        ]


async def test_older_messages_come_by_pages(database: Database, tmp_path: Path) -> None:
    outbox = Outbox(database)
    async with shop_in(database, tmp_path) as shop:
        outbox.meet(ALICE)
        numbers = [outbox.write(ALICE, FACT) for _ in range(2 * PAGE + 3)]
        newest = list(reversed(numbers))

        lines = (await shop.said("messages", "1001")).splitlines()
        assert [int(line.split()[0]) for line in lines[2:-1]] == newest[:PAGE]
        assert lines[-1] == f"Older ones: turnpike messages 1001 --before {newest[PAGE - 1]}, or --all"

        older = (await shop.said("messages", "1001", "--before", str(newest[PAGE - 1]))).splitlines()
        assert int(older[2].split()[0]) == newest[PAGE]
        every = (await shop.said("messages", "1001", "--all", "--json")).splitlines()
        assert [json.loads(line)["id"] for line in every] == newest
