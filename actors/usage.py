"""`usage`: counts what people move, from the counters of every node.

It holds no connection to a node: the node's own actor reads (U11). What a node says beyond what was recorded goes to
the writer page by page, and the writer looks again what of it is news; so a tick that was cut short, or came twice,
counts nothing twice. What a tick has no time for is the work of the next one, which reads no node before it is through.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import ClassVar, Final

import trio

from actors.environment import Environment
from actors.messages import Meter, Metered, Write
from domain.commands import Reading, RecordUsage
from runtime import Context, Iteration, Unavailable, UnknownActor, Worker

_PAGE: Final = 500

#: Seconds for a node to say what it has counted: 100,000 users take a second or two.
_ANSWER_SECONDS: Final = 15.0


@dataclass(slots=True)
class Account:
    """What is known here of a node: it is only spared work, and lost with a restart.

    `recorded` are the readings of the run `epoch` that the writer has, `waiting` those that it has not.
    """

    epoch: str = ""
    recorded: dict[int, Reading] = field(default_factory=dict)
    waiting: deque[Reading] = field(default_factory=deque)

    def take_up(self, metered: Metered) -> None:
        """Have wait what differs from what was recorded."""
        if metered.epoch != self.epoch:
            self.epoch, self.recorded = metered.epoch, {}
        self.waiting.extend(
            each for each in metered.readings if self.recorded.get(each.subscription_id) != each
        )


class Usage(Worker):
    """Reads all nodes side by side; one that does not answer is read when it does, and nothing is lost by that."""

    period: ClassVar[float] = 60.0

    def __init__(self, context: Context, environment: Environment) -> None:
        super().__init__(context)
        self._step = environment.step
        self._writer = context.ref("db_writer")
        self._accounts = {node.name: Account() for node in environment.nodes}

    async def tick(self) -> Iteration:
        """Record what every node has counted since it was read last."""
        iterations: list[Iteration] = []
        unavailable: list[Unavailable] = []
        goes_on = any(account.waiting for account in self._accounts.values())
        async with trio.open_nursery() as nursery:
            for name, account in self._accounts.items():
                nursery.start_soon(self._account_for, name, account, not goes_on, iterations, unavailable)
        if unavailable:
            raise unavailable[0]
        return Iteration(
            sum(each.due for each in iterations),
            sum(each.done for each in iterations),
            more=any(account.waiting for account in self._accounts.values()),
        )

    async def _account_for(
        self,
        node: str,
        account: Account,
        read: bool,
        iterations: list[Iteration],
        unavailable: list[Unavailable],
    ) -> None:
        if read and not await self._read(node, account):
            return
        while account.waiting:
            page = list(islice(account.waiting, _PAGE))
            record = partial(self._record, node, account)
            try:
                iterations.append(await self.together(page, record, key=partial(_key, node)))
            except Unavailable as error:
                unavailable.append(error)
                return
            for _ in page:
                account.waiting.popleft()
            if self.out_of_time:
                return

    async def _read(self, node: str, account: Account) -> bool:
        try:
            metered = await self.context.ref(f"vpn/{node}/meter").call(Meter(), timeout=_ANSWER_SECONDS)
        except (Unavailable, UnknownActor) as error:
            self.context.log.warning("node not read", node=node, error=str(error))
            return False
        account.take_up(metered)
        self._step("counters read")
        return True

    async def _record(self, node: str, account: Account, page: Sequence[Reading]) -> int:
        await self._writer.call(Write(RecordUsage(node, account.epoch, tuple(page))))
        self._step("counters recorded")
        account.recorded.update((each.subscription_id, each) for each in page)
        return len(page)


def _key(node: str, reading: Reading) -> str:
    return f"{node}:{reading.subscription_id}"
