"""`crypto_payment_watcher` (W7): asks providers how the invoices stand that we still wait for.

Crypto Pay is the one that can be asked by invoice; a webhook only hints at what this finds out. Whatever a payment is
heard of by, it ends in the same command. What can no longer be paid is not asked about; `payment_sweep` would find it
if it were paid all the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from actors.environment import Environment
from actors.providers import open_providers, record, unrecorded
from domain.entities import Provider
from integrations.provider import Charge, PaymentProvider, Refused, TryLater
from runtime import Context, Iteration, Worker

_PAGE: Final = 200

#: Longer than any invoice of ours can be paid, and than a clock here and there may differ.
_ASKED_FOR: Final = timedelta(days=2)

_AWAITED: Final = """
    SELECT id, invoice_id, created_at FROM purchases
    WHERE provider = %s AND status IN ('invoiced', 'lapsed') AND invoice_id IS NOT NULL
        AND (created_at, id) > (%s, %s)
    ORDER BY created_at, id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Awaited:
    """A purchase whose invoice has not been paid as far as we know."""

    id: int
    invoice_id: str
    created_at: datetime


class CryptoPaymentWatcher(Worker):
    """Asks about open invoices, page by page."""

    period = 30.0

    def __init__(self, context: Context, environment: Environment) -> None:
        super().__init__(context)
        self._environment = environment
        self._readers = environment.readers
        self._writer = context.ref("db_writer")
        self._providers: Mapping[Provider, PaymentProvider] = {}
        #: The last purchase that was asked about, where a pass has not come to its end.
        self._cursors: dict[Provider, tuple[datetime, int]] = {}

    async def started(self) -> None:
        """Open the providers; they need not answer for that."""
        self._providers = await self.context.open(open_providers(self._environment))
        await super().started()

    async def tick(self) -> Iteration:
        """Ask each provider for everything awaited; one that does not answer is asked at the next tick."""
        due = done = 0
        more = False
        for name, provider in self._providers.items():
            try:
                heard = await self._ask(name, provider)
            except (Refused, TryLater) as error:
                self.context.log.warning("a provider does not answer", provider=name, error=str(error))
                continue
            due, done, more = due + heard.due, done + heard.done, more or heard.more
        return Iteration(due, done, more)

    async def _ask(self, name: Provider, provider: PaymentProvider) -> Iteration:
        start, due, done = (self.context.clock.now() - _ASKED_FOR, 0), 0, 0
        while page := await self._readers.fetch(
            Awaited, _AWAITED, (name, *self._cursors.get(name, start), _PAGE), reader=self.context.name
        ):
            states = await provider.ask([row.invoice_id for row in page])
            heard = await self._record(name, [each.charge for each in states if each.charge is not None])
            due, done = due + heard.due, done + heard.done
            if not heard.more:  # else the next tick reads the page again, for what was not tried
                self._cursors[name] = (page[-1].created_at, page[-1].id)
            if heard.more or self.out_of_time:
                return Iteration(due, done, more=True)
        self._cursors.pop(name, None)
        return Iteration(due, done)

    async def _record(self, name: Provider, charges: Sequence[Charge]) -> Iteration:
        """Have recorded what is not yet; one that fails holds up no other (W12)."""
        new = await unrecorded(self._readers, name, charges, reader=self.context.name)
        return await self.each(new, partial(record, self._writer, name), key=lambda each: each.charge_id)
