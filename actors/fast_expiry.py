"""`fast_expiry` (W4): ends paid subscriptions soon after their time is over.

It only names the subscriptions that are due; whether one ends is decided by the writer, in the writer's
order, so a renewal that came first wins (U10).
"""

from dataclasses import dataclass
from typing import Final

from actors.environment import Environment
from actors.messages import Write
from domain.commands import ExpireSubscriptions
from runtime import Context, Worker

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
    """Ends what is due, page by page."""

    def __init__(self, context: Context, environment: Environment) -> None:
        super().__init__(context)
        self._readers = environment.readers
        self._writer = context.ref("db_writer")

    async def tick(self) -> None:
        """One pass over everything that is due now."""
        now, last = self.context.clock.now(), 0
        while page := await self._readers.fetch(Due, _DUE, (now, last, _PAGE), reader=self.context.name):
            ended = await self._writer.call(Write(ExpireSubscriptions(tuple(row.id for row in page))))
            self.context.log.info("subscriptions ended", due=len(page), ended=ended)
            last = page[-1].id
