"""A small shop for tests of the writer: its catalogue, and a writer with made-up entropy."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from itertools import count
from typing import Any, TypeVar, cast

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
from domain.commands import Command, Person, PurchaseStarted, Received, RecordUpdates, StartPurchase
from domain.entities import Provider
from domain.money import Money
from storage.writer import Answered, Writer, open_writer

R = TypeVar("R")

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ALICE = Person(1001, "Alice", "alice", "en")
BOB = Person(1002, "Bob", "bob", "ru")

CATALOGUE = Catalogue(
    "RUB",
    {
        "month": Plan("month", "1 month", timedelta(days=30), Money(19900, "RUB"), Money(150, "XTR")),
        "year": Plan("year", "1 year", timedelta(days=365), Money(199000, "RUB"), Money(1490, "XTR")),
    },
    {"500": TopUp("500", "500 ₽", Money(50000, "RUB"), Money(380, "XTR"))},
    trial=Trial("Trial", timedelta(days=3)),
    referral=ReferralTerms((Earning(percent=10), Earning(days=3)), buyer=Earning(percent=5)),
    reminders=Reminders(
        paid=ReminderTerms((3 * DAY, DAY, timedelta(hours=3)), (DAY, 3 * DAY)),
        trial=ReminderTerms((DAY, timedelta(hours=3)), (DAY,)),
        quiet=QuietHours(time(22), time(9)),
        time_zone="Europe/Moscow",
    ),
)


def made_up_entropy(start: int = 1) -> Callable[[int], bytes]:
    """Bytes that differ from call to call, and are the same in every run."""
    numbers = count(start)
    return lambda size: next(numbers).to_bytes(size)


@dataclass(slots=True)
class Desk:
    """A writer with a clock that the test moves, and fresh update ids."""

    writer: Writer
    now: datetime = NOW
    update_ids: Any = field(default_factory=lambda: count(1))

    async def do(self, command: Command[R]) -> R:
        """Carry out one command that must succeed."""
        [outcome] = await self.writer.execute([command], self.now)
        assert isinstance(outcome, Answered), outcome
        return cast("R", outcome.reply)

    async def update(self, person: Person = ALICE) -> int:
        """A fresh update in the inbox."""
        update_id = next(self.update_ids)
        await self.do(RecordUpdates((Received(update_id, person.id, "{}"),)))
        return int(update_id)

    async def start(
        self, provider: Provider, item: str = "plan:month", person: Person = ALICE
    ) -> PurchaseStarted:
        """A purchase with its terms fixed."""
        started = await self.do(StartPurchase(await self.update(person), person, item, provider))
        assert started is not None
        return started

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query gives, read on the writer's own connection."""
        return await (await self.writer.connection.execute(query.encode())).fetchall()

    async def value(self, query: str) -> Any:
        """The one value that a query gives."""
        [[value]] = await self.rows(query)
        return value


@asynccontextmanager
async def open_desk(conninfo: str) -> AsyncIterator[Desk]:
    """Open the writer on a database of the test's own."""
    async with open_writer(conninfo, now=NOW, catalogue=CATALOGUE, entropy=made_up_entropy()) as writer:
        desk = Desk(writer)
        following = int(await desk.value("SELECT coalesce(max(id), 0) + 1 FROM updates"))
        desk.update_ids = count(following)
        writer.entropy = made_up_entropy(1 + 100 * (following - 1))  # as little comes twice as in life
        yield desk
