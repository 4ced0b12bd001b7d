"""`fast_expiry` (W4): ends paid subscriptions soon after their time is over.

It only names the subscriptions that are due; whether one ends is decided by the writer, in the writer's
order, so a renewal that came first wins (U10).
"""

from dataclasses import dataclass
from typing import Final

from actors.environment import Environment
from actors.messages import Write
from domain.commands import ExpireSubscriptions
from runtime import Context, Iteration, Worker

_PAGE: Final = 500

_DUE: Final = """
    SELECT id FROM subscriptions
    WHERE status = 'active' AND expires_at <= %s AND id > %s
    ORDER BY id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Due:
    """A subscription whose time is over."""

    id: int


class FastExpiry(Worker):
    """Ends what is due, a page in one command; a tick that runs out of time goes on where it stopped (W11)."""

    def __init__(self, context: Context, environment: Environment) -> None:
        super().__init__(context)
        self._readers = environment.readers
        self._writer = context.ref("db_writer")
        self._cursor = 0

    async def tick(self) -> Iteration:
        """One pass over everything that is due now."""
        now, due, ended = self.context.clock.now(), 0, 0
        while page := await self._readers.fetch(
            Due, _DUE, (now, self._cursor, _PAGE), reader=self.context.name
        ):
            due += len(page)
            ended += await self._writer.call(Write(ExpireSubscriptions(tuple(row.id for row in page))))
            self._cursor = page[-1].id
            if self.out_of_time:
                return Iteration(due, ended, more=True)
        self._cursor = 0
        if due:
            self.context.log.info("subscriptions ended", due=due, ended=ended)
        return Iteration(due, ended)
