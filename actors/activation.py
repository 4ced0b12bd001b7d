"""`activation` (W6): brings what was paid for to a node, for as long as it takes.

It wakes the nodes as long as a subscription is not ready, and never gives up. The nodes are also woken at once after
a payment, by the writer; so what this worker sees waits for a reason, and an operator is told of it.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar, Final

from actors.environment import Environment
from actors.messages import LookAgain
from runtime import Context, Iteration, Worker

_PAGE: Final = 500

#: A node that answers has a new user within a second; somebody who waits that long has no such node.
_EXPECTED: Final = timedelta(seconds=30)

_WAITING: Final = """
    SELECT subscription_id, decided_at FROM grants
    WHERE present AND NOT ready AND subscription_id > %s
    ORDER BY subscription_id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A subscription that is not on any node yet, and since when it should be."""

    subscription_id: int
    decided_at: datetime


@dataclass(slots=True)
class Seen:
    """What one pass has found so far, which may take more than one tick."""

    waiting: int = 0
    late: int = 0
    first: datetime | None = None

    @property
    def iteration(self) -> Iteration:
        """Only who waits for longer than expected is due; others do the work, so nothing is ever done here."""
        reason = (
            f"{self.late} paid subscriptions are on no node, the first since {self.first:%c}"
            if self.late
            else ""
        )
        return Iteration(self.late, 0, reason=reason)


class Activation(Worker):
    """Counts who waits and wakes the nodes for them; those who wait for longer than expected are an alert (W15)."""

    period: ClassVar[float] = 30.0

    def __init__(self, context: Context, environment: Environment) -> None:
        super().__init__(context)
        self._readers = environment.readers
        self._metrics = environment.metrics
        self._step = environment.step
        self._vpn = context.ref("vpn")
        self._cursor = 0
        self._seen = Seen()

    async def tick(self) -> Iteration:
        """One pass over everybody who waits; one that runs out of time goes on where it stopped (W11)."""
        now, seen = self.context.clock.now(), self._seen
        while page := await self._readers.fetch(
            Waiting, _WAITING, (self._cursor, _PAGE), reader=self.context.name
        ):
            seen.waiting += len(page)
            seen.late += sum(now - row.decided_at > _EXPECTED for row in page)
            seen.first = min(seen.first or now, *(row.decided_at for row in page))
            self._cursor = page[-1].subscription_id
            self._vpn.cast(LookAgain())
            if self.out_of_time:
                return replace(seen.iteration, more=True)
        self._step("waiting read")
        self._metrics.waiting.set(seen.waiting)
        self._cursor, self._seen = 0, Seen()
        return seen.iteration
