"""Ending what is over, as `fast_expiry` and `trial_expiry` do it.

The worker only names the subscriptions that are due; whether one ends is decided by the writer, in the writer's order,
so a renewal that came first wins (U10). It looks each period, and at the very moment at which the next subscription
ends: the period is how long it may take to notice what it was not told of.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Final

import trio

from actors.environment import Environment
from actors.messages import Write
from domain.commands import ExpireSubscriptions
from runtime import Context, Iteration, Tick, Worker

_PAGE: Final = 500

#: Time between two looks, however many ends follow each other.
_REST: Final = timedelta(seconds=1)

_DUE: Final = """
    SELECT id, expires_at FROM subscriptions
    WHERE status = %s AND trial = %s AND expires_at <= %s AND (expires_at, id) > (%s, %s)
    ORDER BY expires_at, id LIMIT %s
"""

_NEXT: Final = """
    SELECT id, expires_at FROM subscriptions
    WHERE status = %s AND trial = %s AND expires_at > %s AND expires_at <= %s
    ORDER BY expires_at, id LIMIT 1
"""

_START: Final = (datetime.fromtimestamp(0, UTC), 0)


@dataclass(frozen=True, slots=True)
class Due:
    """A subscription and its end."""

    id: int
    expires_at: datetime


class Expiry(Worker):
    """Ends what is due, a page in one command; a tick that runs out of time goes on where it stopped (W11)."""

    trials: ClassVar[bool]

    def __init__(self, context: Context, environment: Environment) -> None:
        super().__init__(context)
        self._readers = environment.readers
        self._writer = context.ref("db_writer")
        self._step = environment.step
        self._cursor = _START
        self._wait = trio.CancelScope()
        catalogue = environment.configuration.catalogue
        lengths = [plan.duration for plan in catalogue.plans.values()]
        if self.trials:
            lengths = [] if catalogue.trial is None else [catalogue.trial.duration]
        #: What ends, by its status, and how long after the end of the paid time.
        self._ends = (("active", timedelta(0)), ("grace", catalogue.grace))
        self._passes: tuple[tuple[str, timedelta], ...] = self._ends
        #: What is bought from now on lasts that long at least.
        self._shortest = min([*lengths, timedelta(seconds=self._period)])

    async def tick(self) -> Iteration:
        """One pass over everything that is due now: paid time, then grace."""
        now, passed = self.context.clock.now(), Iteration(0, 0)
        while self._passes:
            status, after = self._passes[0]
            parameters = (status, self.trials, now - after, *self._cursor, _PAGE)
            page = await self._readers.fetch(Due, _DUE, parameters, reader=self.context.name)
            if not page:
                self._passes, self._cursor = self._passes[1:], _START
                continue
            self._step("due read")
            ended = await self.together(page, self._end, key=lambda row: str(row.id))
            passed = Iteration(passed.due + ended.due, passed.done + ended.done)
            self._cursor = (page[-1].expires_at, page[-1].id)
            if self.out_of_time:
                return replace(passed, more=True)
        self._passes = self._ends
        if passed.due:
            self.context.log.info("subscriptions ended", due=passed.due, done=passed.done)
        await self._be_there_at_the_next_end(now)
        return passed

    async def _end(self, page: Sequence[Due]) -> int:
        command = ExpireSubscriptions(tuple(row.id for row in page), trials=self.trials)
        endings = await self._writer.call(Write(command))
        return endings.ended + endings.renewed

    async def _be_there_at_the_next_end(self, now: datetime) -> None:
        """Look again when the next one ends: one that is known, or one that is bought from now on."""
        moment = horizon = now + self._shortest
        for status, after in self._ends:
            parameters = (status, self.trials, now - after, horizon - after)
            following = await self._readers.fetch_one(Due, _NEXT, parameters, reader=self.context.name)
            if following is not None:
                moment = min(moment, following.expires_at + after)
        self._wait.cancel()
        if moment < now + timedelta(seconds=self._period):
            self._wait = trio.CancelScope()
            self.context.nursery.start_soon(self._look_at, max(moment, now + _REST), self._wait)

    async def _look_at(self, moment: datetime, wait: trio.CancelScope) -> None:
        with wait:
            await self.context.clock.sleep_until(moment)
            self.context.me.cast(Tick())
