"""`activation` (W6): brings what was paid for to a node, for as long as it takes.

It wakes the nodes as long as a subscription is not ready, and never gives up. The nodes are also woken at once after
a payment, by the writer; so what this worker sees waits for a reason, and an operator is told of it.
"""

from dataclasses import dataclass
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


class Activation(Worker):
    """Counts who waits and wakes the nodes for them; those who wait for longer than expected are an alert (W15)."""

    period: ClassVar[float] = 30.0

    def __init__(self, context: Context, environment: Environment) -> None:
        super().__init__(context)
        self._readers = environment.readers
        self._metrics = environment.metrics
        self._vpn = context.ref("vpn")

    async def tick(self) -> Iteration:
        """One pass over everybody who waits."""
        now, waiting, late, cursor = self.context.clock.now(), 0, 0, 0
        first = now
        while page := await self._readers.fetch(Waiting, _WAITING, (cursor, _PAGE), reader=self.context.name):
            waiting += len(page)
            late += sum(now - row.decided_at > _EXPECTED for row in page)
            first = min(first, *(row.decided_at for row in page))
            cursor = page[-1].subscription_id
        self._metrics.waiting.set(waiting)
        if waiting:
            self._vpn.cast(LookAgain())
        return Iteration(
            late, 0, reason=f"{late} paid subscriptions are on no node, the first since {first:%c}"
        )
