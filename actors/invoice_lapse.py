"""`invoice_lapse`: lets go of invoices that nobody paid in time, so that the promo uses which they hold are free again.

A payment that comes all the same is honoured as invoiced (F12).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from actors.environment import Environment
from actors.messages import Write
from domain.commands import LapseInvoices
from runtime import Context, Iteration, Worker

_PAGE: Final = 500

_DUE: Final = """
    SELECT id, valid_until FROM purchases
    WHERE status = 'invoiced' AND valid_until <= %s AND (valid_until, id) > (%s, %s)
    ORDER BY valid_until, id LIMIT %s
"""

_START: Final = (datetime.fromtimestamp(0, UTC), 0)


@dataclass(frozen=True, slots=True)
class Due:
    """An unpaid purchase, and when its invoice was over."""

    id: int
    valid_until: datetime


class InvoiceLapse(Worker):
    """Lets a page of invoices lapse with one command; a tick that runs out of time goes on where it stopped."""

    period = 60.0

    def __init__(self, context: Context, environment: Environment) -> None:
        super().__init__(context)
        self._readers = environment.readers
        self._writer = context.ref("db_writer")
        self._cursor = _START

    async def tick(self) -> Iteration:
        """One pass over everything that is over now."""
        now, passed = self.context.clock.now(), Iteration(0, 0)
        while page := await self._readers.fetch(
            Due, _DUE, (now, *self._cursor, _PAGE), reader=self.context.name
        ):
            lapsed = await self.together(page, self._lapse, key=lambda row: str(row.id))
            passed = Iteration(passed.due + lapsed.due, passed.done + lapsed.done)
            self._cursor = (page[-1].valid_until, page[-1].id)
            if self.out_of_time:
                return replace(passed, more=True)
        self._cursor = _START
        return passed

    async def _lapse(self, page: Sequence[Due]) -> int:
        return await self._writer.call(Write(LapseInvoices(tuple(row.id for row in page))))
