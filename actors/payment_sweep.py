"""`payment_sweep`: asks every provider for what it has and we have not, so that nothing depends on being told.

At its start it goes through everything that a provider lists, from the beginning; after that, every ten minutes,
through what is new. What is found, payments and refunds alike, ends in the same commands as what is told, so a sweep
that finds something known changes nothing. Where a provider is, and what of it could not be recorded, is kept in memory
only: losing it costs one more look at everything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from actors.environment import Environment
from actors.providers import open_providers, record, unrecorded
from domain.entities import Provider
from integrations.provider import Charge, PaymentProvider, Refund, Swept, TryLater
from runtime import Context, Iteration, Worker

_PAGE: Final = 100

#: So many that cannot be recorded are no fault of theirs: the sweep goes no further, so that nothing is forgotten.
_LEFT_MAX: Final = 1000


@dataclass(slots=True)
class Progress:
    """Where the sweep of a provider is; `left` was found and could not be recorded, and is tried again each time."""

    point: str = ""
    left: list[Charge | Refund] = field(default_factory=list)


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
        heard = await self._try_again(provider.name, progress)
        due, done = heard.due, heard.done
        if heard.more or len(progress.left) >= _LEFT_MAX:
            return Iteration(due, done, heard.more)
        while True:
            page = await provider.sweep(progress.point, _PAGE)
            heard = await self._record(provider.name, page, progress)
            due, done = due + heard.due, done + heard.done
            if heard.more:
                return Iteration(due, done, more=True)  # the rest of this page is read again
            progress.point = page.point
            if not page.more:
                return Iteration(due, done)
            if self.out_of_time or len(progress.left) >= _LEFT_MAX:
                return Iteration(due, done, more=self.out_of_time)

    async def _try_again(self, name: Provider, progress: Progress) -> Iteration:
        progress.left = await unrecorded(self._readers, name, progress.left, reader=self.context.name)
        return await self._each(name, progress.left)

    async def _record(self, name: Provider, page: Swept, progress: Progress) -> Iteration:
        """Have recorded what is not; one that fails is left, and holds up no other (W12)."""
        found = await unrecorded(self._readers, name, page.found, reader=self.context.name)
        new = [each for each in found if each not in progress.left]
        for each in new:
            self.context.log.warning(
                "found by the sweep", provider=name, charge=each.charge_id, holds=type(each).__name__.lower()
            )
        heard = await self._each(name, new)
        if heard.done < heard.due and not heard.more:
            left = await unrecorded(self._readers, name, new, reader=self.context.name)
            progress.left += left
        return heard

    async def _each(self, name: Provider, found: Sequence[Charge | Refund]) -> Iteration:
        record_one = partial(record, self._writer, name)
        return await self.each(found, record_one, key=lambda happened: happened.charge_id)
