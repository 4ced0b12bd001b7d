"""A worker: an actor that looks at the world now and then, and whenever it is told that looking is worth it.

It looks at its start, each period, and when somebody casts it a `Tick`; ticks that wait are one, and a tick is a
message like any other, so two never run at once. What every worker needs is here, and a worker's own module holds
only its scan and what it does with a row:

    class Expiry(Worker):
        async def tick(self) -> Iteration:
            page = await self.read_page(after=self.cursor)
            iteration = await self.each(page, self.expire, key=lambda row: str(row.id))
            ...move the cursor past the rows that were read...
            return iteration

A tick that has used up its budget says so by `more`, and the next one follows at once, behind whatever waits in the
mailbox; where to go on from is the worker's own cursor.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import timedelta
from itertools import islice
from typing import ClassVar, TypeVar

import trio

from .actor import Actor, Context
from .alerts import NOTHING_DONE
from .duty import Duty, Iteration
from .errors import Unavailable
from .messages import Message, Tick

Row = TypeVar("Row")


class Worker(Actor):
    """Subclass, set `period`, and define `tick`."""

    period: ClassVar[float] = 60.0
    """Seconds from one look to the next; the setting `period` overrides it."""

    budget: ClassVar[float] = 15.0
    """Seconds for one tick, after which `out_of_time` is true; the setting `budget` overrides it. Less than the
    actor's `handle_timeout`, or the watchdog takes a full tick for a hang."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._period = self._setting("period", self.period)
        self._budget = self._setting("budget", self.budget)
        self._first_after = self._setting("first_after", 0.0)
        self._ends_at = 0.0

    @property
    def duty(self) -> Duty:
        """The worker's record."""
        return self.context.duty

    @property
    def out_of_time(self) -> bool:
        """True when a tick should end at the next good place: budget used up, switched off, or told to stop."""
        return trio.current_time() >= self._ends_at or self.context.stopping or not self.duty.switched_on

    async def tick(self) -> Iteration | None:
        """Look, and do what is due. An Iteration tells how much that was; without one nothing is watched over."""
        raise NotImplementedError(f"{type(self).__name__} must define tick")

    async def each(
        self,
        rows: Iterable[Row],
        handle: Callable[[Row], Awaitable[object]],
        *,
        key: Callable[[Row], str],
        at_once: int = 1,
    ) -> Iteration:
        """Do `handle` with each row, `at_once` of them side by side, until out of time.

        A row that fails is reported and set aside for a while, and the rows behind it are handled; `Unavailable` is
        no row's fault and ends the tick. Rows that are set aside count as due, so that they are not forgotten.
        """
        due = done = 0
        waiting, has_tried = iter(rows), False
        while group := list(islice(waiting, at_once)):
            # Something is always tried: a worker whose scan alone eats the budget must still get on.
            if has_tried and self.out_of_time:
                return Iteration(due, done, more=True)
            due += len(group)
            now = trio.current_time()
            if tried := [row for row in group if not self.duty.is_aside(key(row), now)]:
                done += await self._all_handled(tried, handle, key)
                has_tried = True
        return Iteration(due, done)

    async def _all_handled(
        self, rows: list[Row], handle: Callable[[Row], Awaitable[object]], key: Callable[[Row], str]
    ) -> int:
        if len(rows) == 1:
            return await self._handled(rows[0], handle, key(rows[0]))
        done, unavailable = 0, list[Unavailable]()

        async def one(row: Row) -> None:
            nonlocal done
            try:
                handled = await self._handled(row, handle, key(row))
            except Unavailable as error:
                unavailable.append(error)
            else:
                done += handled

        async with trio.open_nursery() as nursery:
            for row in rows:
                nursery.start_soon(one, row)
        if unavailable:
            raise unavailable[0]
        return done

    async def together(
        self,
        rows: Sequence[Row],
        handle: Callable[[Sequence[Row]], Awaitable[int]],
        *,
        key: Callable[[Row], str],
    ) -> Iteration:
        """Do `handle` with all rows at once; it returns with how many something was done.

        If it fails, it is done with each half, and so on down to the row that is to blame, which is set aside as by
        `each`: so `handle` must do everything or nothing.
        """
        now = trio.current_time()
        sound = [row for row in rows if not self.duty.is_aside(key(row), now)]
        return Iteration(len(rows), await self._in_halves(sound, handle, key) if sound else 0)

    async def receive(self, message: Message) -> object:
        match message:
            case Tick():
                await self._tick()
                return None
            case _:
                return await super().receive(message)

    async def ready(self) -> None:
        self.duty.next_run = self.context.clock.now() + timedelta(seconds=self._first_after)
        self.context.nursery.start_soon(self._tick_now_and_then)

    async def _tick(self) -> None:
        duty = self.duty
        if not duty.switched_on or self.context.stopping:
            return
        begun_at = trio.current_time()
        self._ends_at = begun_at + self._budget
        duty.last_run = self.context.clock.now()
        iteration = await self.tick()
        duty.last, duty.last_seconds = iteration, trio.current_time() - begun_at
        if iteration is not None:
            self._judge(iteration)
            if iteration.more and not self.context.stopping:
                self.context.me.cast(Tick())

    def _judge(self, iteration: Iteration) -> None:
        """Silence although something was due is worth telling; so is its end."""
        if iteration.due > 0 and iteration.done == 0:
            text = iteration.reason or f"{iteration.due} rows are due and none was dealt with"
            self.context.alert(NOTHING_DONE, text)
        else:
            self.context.end_alert(NOTHING_DONE)

    async def _handled(self, row: Row, handle: Callable[[Row], Awaitable[object]], key: str) -> bool:
        try:
            await handle(row)
        except Unavailable:
            raise
        except Exception as error:
            self._set_aside(key, error)
            return False
        self.duty.aside.pop(key, None)
        return True

    async def _in_halves(
        self,
        rows: Sequence[Row],
        handle: Callable[[Sequence[Row]], Awaitable[int]],
        key: Callable[[Row], str],
    ) -> int:
        try:
            done = await handle(rows)
        except Unavailable:
            raise
        except Exception as error:
            if len(rows) == 1:
                self._set_aside(key(rows[0]), error)
                return 0
            middle = len(rows) // 2
            before = await self._in_halves(rows[:middle], handle, key)
            return before + await self._in_halves(rows[middle:], handle, key)
        for row in rows:
            self.duty.aside.pop(key(row), None)
        return done

    def _set_aside(self, key: str, error: Exception) -> None:
        aside = self.duty.set_aside(key, trio.current_time(), self._period)
        self.context.log.error("row set aside", row=key, failures=aside.failures, exc_info=error)

    async def _tick_now_and_then(self) -> None:
        await self.context.clock.sleep(self._first_after)
        while True:
            self.context.me.cast(Tick())
            self.duty.next_run = self.context.clock.now() + timedelta(seconds=self._period)
            await self.context.clock.sleep(self._period)

    def _setting(self, key: str, default: float) -> float:
        value = self.context.settings.get(key, default)
        assert isinstance(value, int | float), f"the parser of {key} returns seconds"
        return value
