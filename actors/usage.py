"""`usage`: counts what people move, from the counters of every node.

It holds no connection to a node: the node's own actor reads (U11). What a node says beyond what was recorded goes to
the writer page by page, and the writer looks again what of it is news; so a tick that was cut short, or came twice,
counts nothing twice. What a tick has no time for is the work of the next one, which reads no node before it is through.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import ClassVar, Final

import trio

from actors.devices import Devices
from actors.environment import Environment
from actors.messages import KeepOut, Meter, Metered, Write
from actors.parts import in_parts
from domain.commands import Online, Reading, RecordOnline, RecordUsage
from runtime import Context, Iteration, Unavailable, UnknownActor, Worker

_PAGE: Final = 500

#: Seconds for a node to say what it has counted: 100,000 users take a second or two.
_ANSWER_SECONDS: Final = 15.0

#: Seconds for what is counted last, at a stop.
_LAST_SECONDS: Final = 5.0


@dataclass(slots=True)
class Account:
    """What is known here of a node: it is only spared work, and lost with a restart.

    `recorded` are the readings of the run `epoch` that the writer has, `waiting` those that it has not.
    """

    epoch: str = ""
    recorded: dict[int, Reading] = field(default_factory=dict)
    waiting: deque[Reading] = field(default_factory=deque)
    #: From where people are connected to it; None while it does not answer.
    online: Mapping[int, frozenset[str]] | None = None
    #: Whom it was told to keep out; None while that is not known.
    kept_out: frozenset[tuple[str, str]] | None = None

    async def take_up(self, metered: Metered) -> None:
        """Have wait what differs from what was recorded."""
        self.online = metered.online
        if metered.epoch != self.epoch:
            self.epoch, self.recorded, self.kept_out = metered.epoch, {}, None
        async for part in in_parts(metered.readings):
            self.waiting += [each for each in part if self.recorded.get(each.subscription_id) != each]


class Usage(Worker):
    """Reads all nodes side by side; one that does not answer is read when it does, and nothing is lost by that."""

    period: ClassVar[float] = 60.0

    def __init__(self, context: Context, environment: Environment) -> None:
        super().__init__(context)
        self._step = environment.step
        self._readers = environment.readers
        self._writer = context.ref("db_writer")
        self._devices = Devices()
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
        more = any(account.waiting for account in self._accounts.values())
        if not more:
            await self._look_at_devices()
        return Iteration(
            sum(each.due for each in iterations), sum(each.done for each in iterations), more=more
        )

    async def stopping(self) -> None:
        """Read once more: the counters of a node that turnpike runs here end with this process."""
        if not self.duty.switched_on:
            return
        with trio.move_on_after(_LAST_SECONDS):
            async with trio.open_nursery() as nursery:
                for name, account in self._accounts.items():
                    nursery.start_soon(self._account_for_the_last_time, name, account)

    async def _account_for_the_last_time(self, node: str, account: Account) -> None:
        account.waiting.clear()  # what is read now says all that these did
        if not await self._read(node, account):
            return
        readings = list(account.waiting)
        for at in range(0, len(readings), _PAGE):
            page, record = readings[at : at + _PAGE], partial(self._record, node, account)
            try:
                await self.together(page, record, key=partial(_key, node))
            except Unavailable as error:
                self.context.log.warning("last counters not recorded", node=node, error=str(error))
                return

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
            account.online = None
            return False
        await account.take_up(metered)
        self._step("counters read")
        return True

    async def _record(self, node: str, account: Account, page: Sequence[Reading]) -> int:
        await self._writer.call(Write(RecordUsage(node, account.epoch, tuple(page))))
        self._step("counters recorded")
        account.recorded.update((each.subscription_id, each) for each in page)
        return len(page)

    async def _look_at_devices(self) -> None:
        """Have it recorded from how many addresses people are connected, and kept out what is too many."""
        await self._devices.open(self._readers, self.context.name)
        online = await self._devices.see(
            each.online for each in self._accounts.values() if each.online is not None
        )
        for at in range(0, len(online), _PAGE):
            await self.together(
                online[at : at + _PAGE],
                self._record_online,
                key=lambda each: f"devices:{each.subscription_id}",
            )
            if self.out_of_time:
                return
        wanted = self._devices.kept_out(self.context.clock.now())
        for node, account in self._accounts.items():
            if account.online is not None and account.kept_out != wanted:
                await self._keep_out(node, account, wanted)

    async def _record_online(self, page: Sequence[Online]) -> int:
        excess = await self._writer.call(Write(RecordOnline(tuple(page))))
        self._devices.recorded(page, excess, self.context.clock.now())
        return len(page)

    async def _keep_out(self, node: str, account: Account, wanted: frozenset[tuple[str, str]]) -> None:
        try:
            can = await self.context.ref(f"vpn/{node}/meter").call(KeepOut(wanted), timeout=_ANSWER_SECONDS)
        except (Unavailable, UnknownActor) as error:
            self.context.log.warning("addresses not kept out", node=node, error=str(error))
            return
        account.kept_out = wanted
        if wanted:
            self.context.log.info("addresses kept out", node=node, count=len(wanted) if can else 0)


def _key(node: str, reading: Reading) -> str:
    return f"{node}:{reading.subscription_id}"
