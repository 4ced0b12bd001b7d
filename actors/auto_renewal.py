"""`auto_renewal` (W1): renews from the balance what ends soon and has auto-renewal on.

It only names the subscriptions that are due; whether one is renewed is decided by the writer, for each subscriber
alone, so one that fails fails alone and nobody is told of what was rolled back (F3). The commands of a page go to the
writer together, and it carries them out in one transaction.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from actors.environment import Environment
from actors.messages import LookAgain, Write
from domain.commands import AutoRenew, Renewal
from domain.renewal import RENEWAL_WINDOW
from runtime import Context, Iteration, Message, Ref, Tick, Worker

_PAGE: Final = 250

_DUE: Final = """
    SELECT id, expires_at FROM subscriptions
    WHERE auto_renewal AND status = 'active' AND NOT trial AND NOT recurring AND renewal_seconds IS NOT NULL
        AND expires_at <= %s
        AND expires_at - least(make_interval(secs => renewal_seconds / 2), %s) <= %s
        AND (expires_at, id) > (%s, %s)
    ORDER BY expires_at, id LIMIT %s
"""

_START: Final = (datetime.fromtimestamp(0, UTC), 0)


@dataclass(frozen=True, slots=True)
class Due:
    """A subscription that is to be renewed, and its end."""

    id: int
    expires_at: datetime


class AutoRenewal(Worker):
    """Renews what is due, a page at a time; a tick that runs out of time goes on where it stopped (W11)."""

    period = 600.0

    def __init__(self, context: Context, environment: Environment) -> None:
        super().__init__(context)
        self._readers = environment.readers
        self._writer: Ref = context.ref("db_writer")
        self._cursor = _START

    async def receive(self, message: Message) -> object:
        """A hint means that a balance has grown: what was short may be covered now (F6)."""
        return await super().receive(Tick() if isinstance(message, LookAgain) else message)

    async def tick(self) -> Iteration:
        """One pass over everything that is due now."""
        now, due, done = self.context.clock.now(), 0, 0
        soon: timedelta = RENEWAL_WINDOW
        while page := await self._readers.fetch(
            Due, _DUE, (now + soon, soon, now, *self._cursor, _PAGE), reader=self.context.name
        ):
            heard = await self.each(page, self._renew, key=lambda row: str(row.id), at_once=_PAGE)
            due, done = due + heard.due, done + heard.done
            self._cursor = (page[-1].expires_at, page[-1].id)
            if heard.more or self.out_of_time:
                return Iteration(due, done, more=True)
        self._cursor = _START
        return Iteration(due, done)

    async def _renew(self, row: Due) -> None:
        outcome = await self._writer.call(Write(AutoRenew(row.id)))
        if outcome is Renewal.RENEWED:
            self.context.log.info("subscription renewed", subscription=row.id)
