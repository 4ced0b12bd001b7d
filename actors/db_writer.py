"""`db_writer`: the one actor that changes the database (F15).

It drains its mailbox and hands the whole batch to the unit of work; callers are answered only after the commit.
When the connection is lost the batch is executed again on a new one, under a new claim: every command is idempotent,
so what had been committed already is answered as it was the first time.
"""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any, ClassVar, Final

import psycopg
import trio
from psycopg import errors

from actors.environment import Environment
from actors.messages import LookAgain, Write
from domain.commands import Command
from domain.entities import Payment
from runtime import Actor, Context, Envelope, NotUnderstood, Ref, UnknownActor
from storage.claim import ClaimHeld
from storage.connection import DatabaseUnreachable
from storage.errors import StorageError
from storage.writer import Answered, Outcome, Writer, open_writer

_RETRY_SECONDS_FIRST: Final = 0.1
_RETRY_SECONDS_MAX: Final = 2.0


class CommandFailed(Exception):
    """A command changed nothing because of a mistake of ours; its cause says which. The writer goes on."""


class DbWriter(Actor):
    """Executes `Write` commands in batches, in the order in which they came."""

    batch: ClassVar[int] = 256

    def __init__(self, context: Context, environment: Environment) -> None:
        super().__init__(context)
        self._environment = environment
        self._metrics = environment.metrics
        self._vpn, self._sender = context.ref("vpn"), context.ref("sender")
        self._renewal = _if_there(context, "auto_renewal")
        self._session = AsyncExitStack()
        self._writer: Writer | None = None

    async def started(self) -> None:
        """Connect and take the claim; raises `ClaimHeld` if another process writes to this database.

        A database that is away does not keep the actor from starting: whoever calls waits, up to their deadlines.
        """
        self.context.stack.push_async_exit(self._session)
        try:
            await self._connect()
        except DatabaseUnreachable as error:
            self.context.log.warning("database away", error=str(error))

    async def receive_batch(self, envelopes: Sequence[Envelope]) -> None:
        """Carry out what waited, then answer everybody."""
        writes = [envelope for envelope in envelopes if isinstance(envelope.message, Write)]
        for envelope in envelopes:
            if not isinstance(envelope.message, Write):
                envelope.fail(
                    NotUnderstood(f"db_writer carries out Write, not {type(envelope.message).__name__}")
                )
        outcomes = await self._execute(writes)
        for envelope, outcome in zip(writes, outcomes, strict=True):
            self._metrics.commands.labels(_name(envelope), type(outcome).__name__.lower()).inc()
            if isinstance(outcome, Answered):
                self._note(outcome.payments)
                envelope.reply(outcome.reply)
            else:
                self._report(envelope, outcome.error)
        self._vpn.cast(LookAgain())
        if any(isinstance(outcome, Answered) and outcome.credited for outcome in outcomes):
            for worker in self._renewal:
                worker.cast(LookAgain())
        if any(isinstance(outcome, Answered) and outcome.told for outcome in outcomes):
            self._sender.cast(LookAgain())

    async def _execute(self, writes: list[Envelope]) -> list[Outcome]:
        """Execute a batch, on a new connection as often as one is lost, for as long as the watchdog lets us wait."""
        commands: list[Command[Any]] = [envelope.message.command for envelope in writes]  # type: ignore[attr-defined]
        traces = [self.context.trace_of(envelope) for envelope in writes]
        self._metrics.batch_commands.observe(len(commands))
        wait = _RETRY_SECONDS_FIRST
        while True:
            try:
                if self._writer is None:
                    await self._connect()
                assert self._writer is not None, "just connected"
                begun_at = trio.current_time()
                outcomes = await self._writer.execute(commands, self.context.clock.now(), traces)
                self._metrics.batch_seconds.observe(trio.current_time() - begun_at)
                return outcomes
            except ClaimHeld:  # another process writes now: end, and say so
                raise
            except (psycopg.OperationalError, errors.ReadOnlySqlTransaction, StorageError) as error:
                self.context.log.warning("database away", error=str(error), waiting=len(commands))
                self._writer = None
            await self.context.clock.sleep(wait)
            wait = min(wait * 2, _RETRY_SECONDS_MAX)

    async def _connect(self) -> None:
        await self._session.aclose()
        self._writer = await self._session.enter_async_context(
            open_writer(
                self._environment.writer_conninfo,
                now=self.context.clock.now(),
                catalogue=self._environment.configuration.catalogue,
                entropy=self._environment.entropy,
            )
        )
        self._writer.step = self._environment.step

    def _note(self, payments: Sequence[Payment]) -> None:
        for payment in payments:
            self._metrics.payments.labels(payment.provider, payment.outcome).inc()
            self.context.log.info(
                "payment recorded",
                payment=payment.id,
                provider=payment.provider,
                outcome=payment.outcome,
                amount=str(payment.amount),
                trace=payment.trace,
            )

    def _report(self, envelope: Envelope, error: Exception) -> None:
        name = _name(envelope)
        self.context.log.error(
            "command failed", command=name, trace=self.context.trace_of(envelope), exc_info=error
        )
        failure = CommandFailed(f"{name} changed nothing: {type(error).__name__}")
        failure.__cause__ = error
        envelope.fail(failure)


def _if_there(context: Context, name: str) -> list[Ref]:
    """An actor that a shop may leave out of its tree."""
    try:
        return [context.ref(name)]
    except UnknownActor:
        return []


def _name(envelope: Envelope) -> str:
    return type(envelope.message.command).__name__  # type: ignore[attr-defined]
