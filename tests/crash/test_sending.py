"""The sending process is killed at every step, and whenever Telegram has a call in hand (C8, R6).

The steps are not listed here: a run that is not killed reports them. A plain run kills at one of each
name and promise, `--campaign 2` at every one.
"""

import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from domain.delivery import DELIVERY, Promise
from integrations.telegram.pacing import GROUP_SECONDS
from tests.actors.post import Outbox, TelegramSide, open_sender, open_telegram
from tests.crash.postman import ALIVE, Task
from tests.crash.zygote import Fatal, Zygote, open_zygote
from tests.fixtures.postgres import Database
from tests.storage.shop import NOW

PEOPLE = range(1001, 1008)


@dataclass
class Killer:
    """Stands before the sandbox: it kills whoever called, when a call arrives or when it has been carried out."""

    pid: int = 0
    calls: int = 0
    at: tuple[int, str] | None = None

    def watch(self, pid: int) -> None:
        """Who is to be killed."""
        self.pid = pid

    def __call__(self, app: ASGIApp) -> ASGIApp:
        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            method = str(scope.get("path", "")).rpartition("/")[2]
            if not method.startswith("send"):
                await app(scope, receive, send)
                return
            number = self.calls
            self.calls += 1
            self._kill_if(number, "arrived")

            async def answer(message: Any) -> None:
                self._kill_if(number, "carried out")
                await send(message)

            await app(scope, receive, answer)

        return guarded

    def _kill_if(self, number: int, moment: str) -> None:
        if self.at == (number, moment):
            self.at = None
            os.kill(self.pid, signal.SIGKILL)


@dataclass
class Round:
    """The messages of one run, and what people had read before."""

    outbox: Outbox
    telegram: TelegramSide
    read: dict[int, int]
    alive: dict[int, int]
    marked: int
    outdated: int

    async def judge(self) -> None:
        """Every promise was kept, and the records say so."""
        for person, number in self.alive.items():
            arrived = len(await self.telegram.chat(person)) - self.read[person]
            [(kind, state)] = self.outbox.rows(f"SELECT kind, state FROM outbox WHERE id = {number}")
            if DELIVERY[kind].promise is Promise.AT_LEAST_ONCE:
                assert (state, arrived) in (("sent", 1), ("sent", 2)), (kind, state, arrived)
            else:
                assert (state, arrived) in (("sent", 1), ("unknown", 0), ("unknown", 1)), (
                    kind,
                    state,
                    arrived,
                )
        for person in PEOPLE[-2:]:
            assert len(await self.telegram.chat(person)) == self.read[person], "neither again nor too late"
        assert self.outbox.state(self.marked) == "unknown"
        assert self.outbox.state(self.outdated) == "dropped"


def chosen(names: Sequence[str], every: bool) -> Iterator[tuple[str, int]]:
    """The steps at which to kill, as (name, how often it was taken before).

    All, or of each name the middle one; of names that differ only in the kind of message one for each promise.
    """
    counts, seen = Counter(names), set()
    for name, count in counts.items():
        if every:
            yield from ((name, before) for before in range(count))
        elif (sort := without_kind(name)) not in seen:
            seen.add(sort)
            yield name, (count - 1) // 2


def without_kind(step: str) -> str:
    kind, _, what = step.partition(" ")
    return f"{DELIVERY[kind].promise} {what}" if kind in DELIVERY else step


@dataclass
class Town:
    """The outbox, Telegram, and processes that send from one to the other; each starts minutes after the one before."""

    outbox: Outbox
    telegram: TelegramSide
    killer: Killer
    zygote: Zygote
    folder: Path
    now: datetime = NOW

    async def begin(self) -> Round:
        """Have something to send to everybody."""
        outbox, now, killed = self.outbox, self.now, ALIVE[3]
        read = {person: len(await self.telegram.chat(person)) for person in PEOPLE}
        alive = {
            person: outbox.write(person, message, not_before=now)
            for person, message in zip(PEOPLE, ALIVE, strict=False)
        }
        marked = outbox.write(PEOPLE[-2], killed, state="sending")
        outdated = outbox.write(PEOPLE[-1], killed, not_before=now, expires_at=now)
        return Round(outbox, self.telegram, read, alive, marked, outdated)

    def later(self) -> datetime:
        """What was sent a minute ago does not slow down what is sent now."""
        self.now += timedelta(seconds=GROUP_SECONDS + 1)
        return self.now

    async def send(self, fatal: Fatal | None = None) -> tuple[list[str], int]:
        """Have a process send everything, or die at a step; gives its steps and how it ended."""
        database = self.outbox.database
        task = Task(
            database.name,
            database.owner,
            database.writer,
            database.reader,
            str(self.folder),
            self.telegram.address,
            self.later(),
            fatal,
        )
        return await self.zygote.run(task, self.killer.watch)

    async def restart(self) -> None:
        """Send what a killed process left."""
        address, start = self.telegram.address, self.later()
        async with open_sender(self.outbox.database, self.folder, address, start=start):
            await self.outbox.until(
                "SELECT NOT EXISTS (SELECT FROM outbox WHERE state IN ('pending', 'sending'))"
            )


@asynccontextmanager
async def open_town(database: Database, folder: Path, people: Sequence[int] = PEOPLE) -> AsyncIterator[Town]:
    outbox, killer = Outbox(database), Killer()
    outbox.meet(*people)
    async with (
        open_telegram(folder, *people, before=killer) as telegram,
        open_zygote("tests.crash.postman") as zygote,
    ):
        yield Town(outbox, telegram, killer, zygote, folder)


@pytest.mark.requirement("C8", "R6", "N3", "N7")
async def test_killed_at_any_step_no_promise_is_broken(
    database: Database, tmp_path: Path, campaign: int
) -> None:
    async with open_town(database, tmp_path) as town:
        undisturbed = await town.begin()
        steps, ended = await town.send()
        assert ended == 0, steps
        await undisturbed.judge()
        assert all(town.outbox.state(number) == "sent" for number in undisturbed.alive.values())

        killed: set[str] = set()
        for fatal in chosen(steps, campaign > 1):
            this = await town.begin()
            made, ended = await town.send(fatal)
            if ended == -signal.SIGKILL:
                assert made[-1] == fatal[0]
                killed.add(made[-1])
            await town.restart()
            await this.judge()
        assert set(map(without_kind, killed)) == set(map(without_kind, steps))


@pytest.mark.requirement("C8", "R6", "N3")
@pytest.mark.parametrize("moment", ["arrived", "carried out"])
async def test_killed_while_telegram_has_the_message_no_promise_is_broken(
    database: Database, tmp_path: Path, moment: str
) -> None:
    async with open_town(database, tmp_path) as town:
        for number in range(len(ALIVE)):
            this = await town.begin()
            town.killer.calls, town.killer.at = 0, (number, moment)
            _, ended = await town.send()
            assert ended == -signal.SIGKILL
            await town.restart()
            await this.judge()
