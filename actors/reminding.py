"""Reminding people of an end, as `reminders` and `trial_notifications` do it.

The worker only names the subscriptions whose reminder is due; what is said, and whether anything is, the writer decides
in its own order, so whoever renewed first is not reminded. It comes late rather than twice: a row leaves the scan in
the transaction of its message.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import ClassVar, Final

from actors.environment import Environment
from actors.messages import Write
from domain.commands import RemindSubscriptions
from runtime import Context, Iteration, Worker

_PAGE: Final = 500

_DUE: Final = """
    SELECT id, remind_at FROM subscriptions
    WHERE trial = %s AND remind_at <= %s AND (remind_at, id) > (%s, %s)
    ORDER BY remind_at, id LIMIT %s
"""

_START: Final = (datetime.fromtimestamp(0, UTC), 0)


@dataclass(frozen=True, slots=True)
class Due:
    """A subscription whose reminder is due, and since when."""

    id: int
    remind_at: datetime


class Reminding(Worker):
    """Reminds a page with one command; a tick that runs out of time goes on where it stopped (W11)."""

    trials: ClassVar[bool]

    def __init__(self, context: Context, environment: Environment) -> None:
        super().__init__(context)
        self._readers = environment.readers
        self._writer = context.ref("db_writer")
        self._cursor = _START

    async def tick(self) -> Iteration:
        """One pass over everything that is due now."""
        now, passed = self.context.clock.now(), Iteration(0, 0)
        while page := await self._readers.fetch(
            Due, _DUE, (self.trials, now, *self._cursor, _PAGE), reader=self.context.name
        ):
            reminded = await self.together(page, self._remind, key=lambda row: str(row.id))
            passed = Iteration(passed.due + reminded.due, passed.done + reminded.done)
            self._cursor = (page[-1].remind_at, page[-1].id)
            if self.out_of_time:
                return replace(passed, more=True)
        self._cursor = _START
        return passed

    async def _remind(self, page: Sequence[Due]) -> int:
        return await self._writer.call(Write(RemindSubscriptions(tuple(row.id for row in page))))
