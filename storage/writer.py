"""The writer's unit of work: prefetch, decide, flush, for a whole batch of commands at once.

Nothing else writes to the database, so what was prefetched is still true at the flush: no row locks, no retries on
serialization, and one `fsync` pays for the batch. A command that cannot be decided fails alone. A flush that violates
a constraint is rolled back and tried again in halves, until the one command that is to blame fails alone.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final

import psycopg
from psycopg.sql import SQL, Identifier

from domain.catalogue import Catalogue
from domain.commands import Command
from domain.decide import decide
from domain.draft import Draft, Sequences, View
from domain.entities import AccountKind, MessageState, Payment
from storage.claim import assert_claim, claim_lost, take_claim
from storage.connection import TrioConnection, open_connection
from storage.flush import Send, in_one_transaction, no_step
from storage.prefetch import Prefetched, prefetch
from storage.session import writer_conninfo

#: The tables whose rows we number, with the column of the number.
_NUMBERED: Final = {
    "users": "number",
    "grants": "change",
    "node_runs": "number",
    **dict.fromkeys(("accounts", "transfers", "purchases", "payments", "subscriptions", "outbox"), "id"),
    **dict.fromkeys(("gifts", "rewards", "acts", "redemptions", "periods", "broadcasts"), "id"),
}

#: The server writes what so many commands changed while the next ones are decided.
_DECIDED_AT_ONCE: Final = 64


@dataclass(frozen=True, slots=True)
class Answered:
    """A command took effect, now or when it came first; this is its answer, and what it wrote now.

    `credited`: some user's balance has grown. `told`: there are messages to send.
    """

    reply: object
    payments: tuple[Payment, ...] = field(default=(), compare=False)
    credited: bool = field(default=False, compare=False)
    told: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Failed:
    """A command changed nothing, because deciding or writing it went wrong."""

    error: Exception


Outcome = Answered | Failed


@dataclass(slots=True)
class Writer:
    """The one connection that writes, with its claim; made by `open_writer`, used by one task."""

    connection: TrioConnection
    epoch: int
    sequences: Sequences
    catalogue: Catalogue
    entropy: Callable[[int], bytes]
    step: Callable[[str], None] = no_step

    async def execute(
        self, commands: Sequence[Command[Any]], now: datetime, traces: Sequence[str | None] | None = None
    ) -> list[Outcome]:
        """Carry out a batch in one transaction, in order; the outcomes stand for committed facts.

        `traces` are the causal ids of the commands, one each, for the rows that they write.
        Raises `ClaimLost`, or `psycopg.OperationalError` when the connection was lost: whether the batch was
        committed is not known then, and it is to be executed again on a new connection (every command is
        idempotent).
        """
        traces = traces if traces is not None else [None] * len(commands)
        try:
            self.step("received")
            found = await prefetch(self.connection, commands)
            self.step("prefetched")
            return await self._carry_out(commands, traces, found, now)
        except (psycopg.Error, UnicodeError) as error:
            if (lost := claim_lost(error)) is not None:
                raise lost from error
            if not _blames_the_batch(error):
                raise
            if len(commands) == 1:
                return [Failed(error)]
            middle = len(commands) // 2
            return [
                *await self.execute(commands[:middle], now, traces[:middle]),
                *await self.execute(commands[middle:], now, traces[middle:]),
            ]

    async def check_claim(self) -> None:
        """Have the server say that the claim is still ours; raises as `execute` does."""
        await assert_claim(self.connection, self.epoch)

    async def _carry_out(
        self,
        commands: Sequence[Command[Any]],
        traces: Sequence[str | None],
        found: Prefetched,
        now: datetime,
    ) -> list[Outcome]:
        draft = Draft(
            found.view,
            now,
            self.catalogue,
            self.sequences,
            self.entropy,
            owners=found.owners,
            charges=found.charges,
            inviters=found.inviters,
        )
        outcomes: list[Outcome] = []

        async def write(send: Send) -> None:
            for start in range(0, len(commands), _DECIDED_AT_ONCE):
                part = slice(start, start + _DECIDED_AT_ONCE)
                outcomes.extend(map(partial(_decide, draft), commands[part], traces[part]))
                await send(draft.rows)

        await in_one_transaction(self.connection, self.epoch, write, self.step)
        return outcomes


def _decide(draft: Draft, command: Command[Any], trace: str | None) -> Outcome:
    rows = draft.rows
    rows.begin()
    draft.trace = trace
    try:
        reply = decide(command, draft)
    except Exception as error:  # a mistake of ours in one command must not fail the others
        rows.undo()
        return Failed(error)
    return _answered(reply, rows)


def _answered(reply: object, rows: View) -> Answered:
    payments = tuple(payment for payment, _ in rows.payments.since(rows.journal))
    credited = any(
        account.kind is AccountKind.BALANCE and account.credits > (before.credits if before else 0)
        for account, before in rows.accounts.since(rows.journal)
    )
    told = any(message.state is MessageState.PENDING for message, _ in rows.outbox.since(rows.journal))
    return Answered(reply, payments, credited, told)


@asynccontextmanager
async def open_writer(
    conninfo: str,
    *,
    now: datetime,
    catalogue: Catalogue,
    entropy: Callable[[int], bytes],
    heartbeat_s: float | None = None,
    lost_epoch: int | None = None,
) -> AsyncIterator[Writer]:
    """Connect as the writer and take the claim; raises `ClaimHeld` if another process keeps it.

    `heartbeat_s` promises the server to hear something at least so often (`storage.session`); `lost_epoch` is that of
    an earlier session of ours, which may still be there.
    """
    session = writer_conninfo(conninfo, heartbeat_s=heartbeat_s)
    async with open_connection(session, cancel_grace=0) as connection:
        epoch = await take_claim(connection, now, lost_epoch)
        yield Writer(connection, epoch, await _sequences(connection), catalogue, entropy)


async def _sequences(connection: TrioConnection) -> Sequences:
    """Where each table's identifiers go on; read after the claim is taken, so nobody else can add to them."""
    following: dict[str, int] = {}
    for table, column in _NUMBERED.items():
        statement = SQL("SELECT coalesce(max({}), 0) + 1 FROM {}").format(
            Identifier(column), Identifier(table)
        )
        row = await (await connection.execute(statement)).fetchone()
        assert row is not None, "an aggregate always gives a row"
        following[table] = int(row[0])
    return Sequences(following)


def _blames_the_batch(error: Exception) -> bool:
    """Whether an error is about what was written (data, constraints, limits), not the connection or the server.

    SQLSTATE classes say it better than psycopg's types, to which "too long for its index" is an `OperationalError`.
    """
    if isinstance(error, (UnicodeError, psycopg.DataError)):  # found before anything was sent
        return True
    state = getattr(error, "sqlstate", None) or ""
    return state[:2] in _ABOUT_DATA


#: Cardinality, data, integrity, syntax and access rules, program limits, unsupported features, RAISE; and the server's
#: own mistakes, which may well be about one row, such as an index that is broken there.
_ABOUT_DATA: Final = frozenset({"0A", "21", "22", "23", "42", "54", "P0", "XX"})
