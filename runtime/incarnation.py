"""One life of an actor: built, started, serving, stopped or crashed, and everything that it opened closed again.

The supervisor gives an incarnation one order at a time and wakes it; orders are looked at before every message, so
they are never behind work. The message in hand at a death is not redelivered: whether its work happened is unknown,
and its caller is told so. What was only queued stays in the mailbox for the next incarnation.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

import trio

from . import reports
from .actor import Actor, Context, Home
from .alerts import UNDEAD
from .cell import Cell, State, here
from .ending import Ending, HowItEnded, sole
from .envelope import Envelope, handling
from .errors import ActorCrashed, ActorStopped, Hung, Unavailable
from .specs import ActorSpec
from .timers import Alarm

UNBROKEN_MESSAGES = 64
"""Messages that may be handled without giving other tasks a turn."""

UNBROKEN_SECONDS = 0.005
"""Seconds that may pass likewise."""

UNDEAD_AFTER = 10.0
"""Seconds after which a cancelled incarnation should have ended."""


class Order(Enum):
    """What the supervisor wants of an incarnation."""

    SERVE = "serve"
    LEAVE = "leave"
    """Finish the message in hand, then end; the queue is for the next incarnation."""
    DRAIN = "drain"
    """Finish the queue too, then end."""


class Incarnation:
    """One life. `live` runs it; the other methods are orders, given by the supervisor alone."""

    def __init__(self, cell: Cell, spec: ActorSpec, home: Home, on_started: Callable[[], None]) -> None:
        self.cell = cell
        self.spec = spec
        self.order = Order.SERVE
        self.started = False
        self._home = home
        self._on_started = on_started
        self._scope = trio.CancelScope()
        self._killed_by: Exception | None = None
        self._resumed = trio.Event()
        self._born_at = trio.current_time()
        self._handled_before = cell.counters.handled
        self._owed: list[Envelope] = []
        self._watched = False
        self._over = False
        self._came_home = False

    # Orders.

    def leave(self, order: Order) -> None:
        """End within the stop timeout; one that has not started is cancelled at once."""
        self.order = order
        self.cell.stopping = True
        if self.started:
            self._limit_stop()
        else:
            self._scope.cancel()
        self.wake()

    def wake(self) -> None:
        """Look at the order, and at whether the cell is suspended, now."""
        self._resumed.set()
        self.cell.mailbox.wake()

    def kill(self, reason: Exception | None) -> None:
        """Cancel now. With a reason it counts as a crash."""
        self._killed_by = self._killed_by or reason
        self._scope.cancel()
        self._watch_end()

    def _limit_stop(self) -> None:
        self.cell.state = State.STOPPING
        self._scope.deadline = min(self._scope.deadline, trio.current_time() + self.spec.stop_timeout)

    # The life.

    async def live(self, report: Callable[[Ending], None]) -> None:
        """Live, close everything, and report how it ended. Never raises, except what was not ours to catch."""
        cell = self.cell
        cell.counters.incarnations += 1
        cell.stopping = False
        cell.task = trio.lowlevel.current_task()
        here.set(cell)
        error: BaseException | None = None
        try:
            with self._scope:
                await self._body()
            self._came_home = not self._scope.cancelled_caught
        except Exception as crash:
            error = sole(crash)
        except BaseExceptionGroup as group:
            crashes, rest = group.split(Exception)
            error = sole(crashes) if crashes is not None else None
            if rest is not None:
                raise rest from None
        finally:
            self._over = True
            cell.exchange.alerts.end(cell.name, UNDEAD)
            ending = self._ending(error)
            self._settle_debts(ending)
            cell.task, cell.waiting_for = None, None
            report(ending)

    async def _body(self) -> None:
        # What was opened is closed outside of the nursery: tasks may use it until they have ended.
        context: Context | None = None
        async with trio.open_nursery() as shelf:
            try:
                async with trio.open_nursery() as nursery:
                    context = Context(self.cell, self.spec.settings, self._home, nursery, shelf)
                    actor = self.spec.factory(context)
                    await self._start(actor)
                    await self._serve(actor, context)
                    self._limit_stop()
                    await actor.stopping()
                    nursery.cancel_scope.cancel()
            finally:
                if context is not None:
                    await context.close()

    async def _start(self, actor: Actor) -> None:
        with trio.move_on_after(self.spec.start_timeout) as patience:
            await actor.started()
            await actor.ready()
        if patience.cancelled_caught:
            raise TimeoutError(f"did not start within {self.spec.start_timeout:g} s")
        self.started = True
        self.cell.state = State.RUNNING
        self._on_started()

    async def _serve(self, actor: Actor, context: Context) -> None:
        cell, mailbox, clock = self.cell, self.cell.mailbox, self.cell.exchange.now
        handle = self._handle if actor.batch == 1 else self._handle_batch
        leave = Order.LEAVE  # a member of an enumeration costs as much to look up as a message to take
        unbroken, now = 0, clock()
        turn_ends_at = now + UNBROKEN_SECONDS
        while self.order is not leave and not context.finishing:
            if cell.suspended and self.order is Order.SERVE:
                await self._stay_suspended()
                now = clock()
            elif (envelope := mailbox.take()) is None:
                handling.set(None)
                if self.order is Order.DRAIN:
                    return
                await mailbox.wait()
                unbroken, now = 0, clock()
                turn_ends_at = now + UNBROKEN_SECONDS
            elif envelope.message.expects_answer and not envelope.waited_for:
                cell.skip(envelope)
            else:
                now = await handle(actor, envelope, now)
                unbroken += 1
                if unbroken >= UNBROKEN_MESSAGES or now >= turn_ends_at:
                    await trio.lowlevel.checkpoint()
                    unbroken, now = 0, clock()
                    turn_ends_at = now + UNBROKEN_SECONDS
        handling.set(None)

    async def _stay_suspended(self) -> None:
        self.cell.state = State.SUSPENDED
        self._resumed = trio.Event()
        await self._resumed.wait()
        if not self.cell.suspended and self.order is Order.SERVE:
            self.cell.state = State.RUNNING

    async def _handle(self, actor: Actor, envelope: Envelope, now: float) -> float:
        """Handle one message that is begun `now`; returns the time when it is done."""
        self.cell.begin((envelope,), now)
        if not self._watched:
            self._watch_until(now + self.spec.handle_timeout)
        handling.set(envelope)
        try:
            envelope.reply(await actor.receive(envelope.message))
        except (Unavailable, ExceptionGroup) as error:
            return self.cell.finish(now, self._pass_on(error))
        return self.cell.finish(now)

    async def _handle_batch(self, actor: Actor, envelope: Envelope, now: float) -> float:
        envelopes = self._gather(envelope, actor.batch)
        self.cell.begin(envelopes, now)
        if not self._watched:
            self._watch_until(now + self.spec.handle_timeout)
        refusal: Unavailable | None = None
        try:
            await actor.receive_batch(envelopes)
        except (Unavailable, ExceptionGroup) as error:
            refusal = self._pass_on(error)
        self._owed = [each for each in (*self._owed, *envelopes) if each.waited_for]
        return self.cell.finish(now, refusal)

    def _gather(self, first: Envelope, limit: int) -> list[Envelope]:
        envelopes = [first]
        while len(envelopes) < limit and (envelope := self.cell.mailbox.take()) is not None:
            if envelope.message.expects_answer and not envelope.waited_for:
                self.cell.skip(envelope)
            else:
                envelopes.append(envelope)
        return envelopes

    def _pass_on(self, error: Unavailable | ExceptionGroup[Exception]) -> Unavailable:
        """Answer the callers with an `Unavailable` that was let out; anything else goes on as the crash that it is."""
        cause = sole(error)
        if not isinstance(cause, Unavailable):
            raise error
        envelopes = self.cell.in_hand
        self.cell.counters.unanswered += len(envelopes)
        for envelope in envelopes:
            envelope.fail(cause)
        reports.not_carried_out(self.cell, envelopes, cause)
        return cause

    # The watch: one entry in the table of timers while busy, none while idle.

    def _watch_until(self, limit: float) -> None:
        self._watched = True
        self.cell.exchange.timers.add(limit, Alarm(self._look_whether_hung))

    def _look_whether_hung(self) -> None:
        self._watched = False
        cell = self.cell
        if self._over or not cell.in_hand or cell.task is None:
            return
        limit = cell.busy_since + self.spec.handle_timeout
        if trio.current_time() < limit:
            self._watch_until(limit)
            return
        message = type(cell.in_hand[0].message).__name__
        reason = f"held {message} for more than {self.spec.handle_timeout:g} s"
        reports.hangs(cell, reason)
        self.kill(Hung(reason))

    def _watch_end(self) -> None:
        """A task that shields itself cannot be killed; then at least say so, again and again."""
        self.cell.exchange.timers.add(trio.current_time() + UNDEAD_AFTER, Alarm(self._look_whether_over))

    def _look_whether_over(self) -> None:
        if not self._over:
            reports.ignores_cancellation(self.cell, trio.current_time() - self.cell.busy_since)
            self._watch_end()

    # The end.

    def _ending(self, error: BaseException | None) -> Ending:
        in_hand = self.cell.in_hand[0] if self.cell.in_hand else None
        if self._killed_by is not None:
            self._killed_by.__cause__ = error
            error = self._killed_by
        if error is not None:
            how = HowItEnded.CRASHED
        elif not self._came_home:
            how = HowItEnded.CANCELLED
        else:
            how = HowItEnded.FINISHED if self.order is Order.SERVE else HowItEnded.TOLD_TO
        return Ending(
            how,
            self.started,
            trio.current_time() - self._born_at,
            self.cell.counters.handled - self._handled_before,
            error,
            type(in_hand.message).__name__ if in_hand else None,
            tuple(in_hand.chain()) if in_hand else (),
            self.cell.exchange.trace_of(in_hand.root) if in_hand else None,
        )

    def _settle_debts(self, ending: Ending) -> None:
        """Nobody waits in vain: what was begun and not answered is failed."""
        cell = self.cell
        crashed = ending.how is HowItEnded.CRASHED
        for envelope in (*cell.in_hand, *self._owed):
            work = f"{cell.name} {ending.how.value} with {type(envelope.message).__name__} in hand"
            envelope.fail(ActorCrashed(f"{work}: {ending.reason}") if crashed else ActorStopped(work))
        cell.tell_taps(cell.in_hand, trio.current_time(), ending.how.value)
        cell.counters.crashed += len(cell.in_hand)
        cell.in_hand = ()
