"""`db_writer`: the one actor that changes the database (F15).

It drains its mailbox and hands the whole batch to the unit of work; callers are answered only after the commit.
When the connection is lost the batch is executed again on a new one, under a new claim: every command is idempotent,
so what had been committed already is answered as it was the first time. While the database is away, full or read-only,
callers are told so after a while, an alert stands in the status, and it is tried again until it works. When another
process has taken over, the actor ends at once.
"""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any, ClassVar, Final

import trio

from actors.environment import Environment
from actors.messages import Beat, CommandFailed, LookAgain, NotWritten, Write
from domain.commands import Command
from domain.entities import Payment
from runtime import Actor, Context, Envelope, NotUnderstood, Ref, UnknownActor
from storage.claim import ClaimHeld, ClaimLost
from storage.hindrances import PASSING, hindrance
from storage.writer import Answered, Outcome, Writer, open_writer

#: How long a batch may take, reconnecting included: less than a caller waits, and than the runtime lets an actor hang.
PATIENCE_SECONDS: Final = 25.0

#: How often the database hears of us at least; a process that stands still loses its claim after six of these.
BEAT_SECONDS: Final = 5.0

NOTHING_WRITTEN: Final = "nothing is written"

_RETRY_SECONDS_FIRST: Final = 0.1
_RETRY_SECONDS_MAX: Final = 2.0


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
        self._epoch: int | None = None

    async def started(self) -> None:
        """Connect and take the claim; raises `ClaimHeld` if another process writes to this database.

        A database that is away does not keep the actor from starting: whoever calls waits, up to their deadlines.
        """
        self.context.stack.push_async_exit(self._session)
        try:
            await self._connect()
        except (ClaimHeld, ClaimLost):
            raise
        except PASSING as error:
            self.context.alert(NOTHING_WRITTEN, hindrance(error))
        self.context.every(BEAT_SECONDS, Beat())

    async def receive_batch(self, envelopes: Sequence[Envelope]) -> None:
        """Carry out what waited, then answer everybody."""
        writes = [envelope for envelope in envelopes if isinstance(envelope.message, Write)]
        for envelope in envelopes:
            if not isinstance(envelope.message, Write | Beat):
                envelope.fail(
                    NotUnderstood(f"db_writer carries out Write, not {type(envelope.message).__name__}")
                )
        if not writes:
            await self._beat()
            return
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
        """Execute a batch; raises `NotWritten` when patience ends, and what became of the batch is not known then."""
        commands: list[Command[Any]] = [envelope.message.command for envelope in writes]  # type: ignore[attr-defined]
        traces = [self.context.trace_of(envelope) for envelope in writes]
        self._metrics.batch_commands.observe(len(commands))
        with trio.move_on_after(PATIENCE_SECONDS):
            return await self._until_written(commands, traces)
        self._give_up()
        raise NotWritten("the database does not take what is written just now: ask again, with the same key")

    async def _until_written(self, commands: Sequence[Command[Any]], traces: Sequence[str]) -> list[Outcome]:
        """Execute a batch, on a new connection as often as one is lost."""
        wait, failures = _RETRY_SECONDS_FIRST, 0
        while True:
            try:
                writer = self._writer or await self._connect()
                begun_at = trio.current_time()
                outcomes = await writer.execute(commands, self.context.clock.now(), traces)
            except (ClaimHeld, ClaimLost) as error:
                self.context.alert(NOTHING_WRITTEN, str(error))
                raise
            except PASSING as error:
                self._writer = None
                failures += 1
                self.context.log.warning("not written", error=str(error), commands=len(commands))
                if failures > 1:  # a connection that breaks once needs nobody
                    self.context.alert(NOTHING_WRITTEN, hindrance(error))
            else:
                self._metrics.batch_seconds.observe(trio.current_time() - begun_at)
                self.context.end_alert(NOTHING_WRITTEN)
                return outcomes
            await self.context.clock.sleep(wait)
            wait = min(wait * 2, _RETRY_SECONDS_MAX)

    async def _beat(self) -> None:
        """While nobody asks for anything: learn whether the database is there, and the claim still ours."""
        with trio.move_on_after(PATIENCE_SECONDS):
            try:
                if self._writer is not None:
                    await self._writer.check_claim()
                else:
                    await self._connect()
            except (ClaimHeld, ClaimLost) as error:
                self.context.alert(NOTHING_WRITTEN, str(error))
                raise
            except PASSING as error:
                self.context.alert(NOTHING_WRITTEN, hindrance(error))
                self._writer = None
            else:
                self.context.end_alert(NOTHING_WRITTEN)
            return
        self._give_up()

    def _give_up(self) -> None:
        """Leave a connection on which nothing comes; an error that said more stays the reason."""
        if self._writer is not None:
            self.context.alert(
                NOTHING_WRITTEN, "the database does not answer: look at its log; it is tried again"
            )
        self._writer = None

    async def _connect(self) -> Writer:
        await self._session.aclose()
        self._writer = await self._session.enter_async_context(
            open_writer(
                self._environment.writer_conninfo,
                now=self.context.clock.now(),
                catalogue=self._environment.configuration.catalogue,
                entropy=self._environment.entropy,
                heartbeat_s=BEAT_SECONDS,
                lost_epoch=self._epoch,
            )
        )
        self._epoch = self._writer.epoch
        self._writer.step = self._environment.step
        return self._writer

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
