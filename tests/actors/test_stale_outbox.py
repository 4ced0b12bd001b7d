"""A message that is settled while the outbox is being read is not sent once more, though the read still shows it."""

from datetime import datetime
from pathlib import Path

import pytest
import trio
import trio.testing

from actors.letters import Letter
from actors.messages import LookAgain
from actors.outbox import Due, OutboxReader
from actors.sender import Sender
from integrations.telegram.outgoing import Outcome
from integrations.telegram.pump import Verdict
from tests.actors.town import open_town
from tests.fixtures.postgres import Database


async def test_what_was_settled_while_the_outbox_was_read_is_not_sent_again(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    read, settled = trio.Event(), trio.Event()
    own_due, own_send, own_settle = OutboxReader.due, Sender.send, Sender.settle

    async def due(self: OutboxReader, priority: int, now: datetime, after: Due | None) -> list[Due]:
        page = await own_due(self, priority, now, after)
        if sent and any(row.id in sent for row in page) and not read.is_set():
            read.set()
            await settled.wait()
            await trio.testing.wait_all_tasks_blocked()
        return page

    async def send(self: Sender, what: Letter) -> Outcome:
        outcome = await own_send(self, what)
        sent.append(what.row.id)
        if len(sent) == 1:
            self.context.me.cast(LookAgain())
            await read.wait()
        return outcome

    async def settle(self: Sender, what: Letter, outcome: Outcome | None) -> Verdict:
        verdict = await own_settle(self, what, outcome)
        settled.set()
        return verdict

    monkeypatch.setattr(OutboxReader, "due", due)
    monkeypatch.setattr(Sender, "send", send)
    monkeypatch.setattr(Sender, "settle", settle)
    async with open_town(database, tmp_path) as town:
        await town.person().say("/help")
        await town.person().read("I know these")
        with trio.fail_after(10):
            await settled.wait()
        await town.settle(database)
        await town.person().say("/plans")
        await town.person().read("Which one suits you")
        assert len(sent) == len(set(sent)) == 2
