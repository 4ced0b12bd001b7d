"""`payment_sweep`: asks every provider for what it has and we have not, so that nothing depends on being told.

At its start it goes through everything that a provider lists, from the beginning; after that, every ten minutes,
through what is new. What is found, payments and refunds alike, ends in the same commands as what is told, so a sweep
that finds something known changes nothing. Where a provider is, is kept in memory only: losing it costs one more look
at everything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from actors.environment import Environment
from actors.providers import open_providers, record, unrecorded
from domain.entities import Provider
from integrations.provider import PaymentProvider, Swept, TryLater
from runtime import Context, Iteration, Worker

_PAGE: Final = 100


@dataclass(slots=True)
class Progress:
    """Where the sweep of a provider is; `again` is the first page with something that could not be recorded."""

    point: str = ""
    again: str | None = None


class PaymentSweep(Worker):
    """Sweeps all providers, one after the other."""

    period = 600.0

    def __init__(self, context: Context, environment: Environment) -> None:
        super().__init__(context)
        self._environment = environment
        self._readers = environment.readers
        self._writer = context.ref("db_writer")
        self._providers: Mapping[Provider, PaymentProvider] = {}
        self._progress: dict[Provider, Progress] = {}

    async def started(self) -> None:
        """Open the providers; they need not answer for that."""
        self._providers = await self.context.open(open_providers(self._environment))
        self._progress = {name: Progress() for name in self._providers}
        await super().started()

    async def tick(self) -> Iteration:
        """Sweep each provider to its end; one that does not answer is asked at the next tick."""
        due = done = 0
        more = False
        for name, provider in self._providers.items():
            try:
                swept = await self._sweep(provider, self._progress[name])
            except TryLater as error:
                self.context.log.warning("a provider does not answer", provider=name, error=str(error))
                continue
            due, done, more = due + swept.due, done + swept.done, more or swept.more
        return Iteration(due, done, more)

    async def _sweep(self, provider: PaymentProvider, progress: Progress) -> Iteration:
        due = done = 0
        while True:
            page = await provider.sweep(progress.point, _PAGE)
            heard = await self._record(provider.name, page)
            due, done = due + heard.due, done + heard.done
            if heard.more:
                return Iteration(due, done, more=True)  # the rest of this page is read again
            if heard.done < heard.due and progress.again is None:
                progress.again = progress.point
            progress.point = page.point
            if not page.more:
                progress.point, progress.again = progress.again or progress.point, None
                return Iteration(due, done)
            if self.out_of_time:
                return Iteration(due, done, more=True)

    async def _record(self, name: Provider, page: Swept) -> Iteration:
        """Have recorded what is not; one that fails holds up no other (W12)."""
        new = await unrecorded(self._readers, name, page.found, reader=self.context.name)
        for each in new:
            self.context.log.warning(
                "found by the sweep", provider=name, charge=each.charge_id, holds=type(each).__name__.lower()
            )
        return await self.each(
            new, partial(record, self._writer, name), key=lambda happened: happened.charge_id
        )
