"""The changes of users on one node. One turn follows another, so for each user they happen in order (U11).

The actor converges: it takes the grants that are newer than what its node confirmed, applies them idempotently, and
has the writer record what was confirmed (U5). A node that restarted has lost its users; they are all given again.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final
from uuid import UUID

import trio

from actors.agents import agent_for, entry_of
from actors.environment import Environment
from actors.messages import Heal, Restore, Restored, Write
from actors.vpn.changes import Changes
from actors.vpn.comparison import Comparison
from actors.vpn.errors import NODE_AWAY, NodeAway, asking_a_node
from actors.vpn.health import Contact, NodeHealth
from actors.vpn.meter import NodeMeter
from actors.vpn.wishes import (
    CHANGES,
    NEWEST,
    WANTED_CREDENTIALS,
    WISHES,
    Credential,
    Newest,
    Wish,
)
from domain.commands import Confirmation, ConfirmProvisions, RecordOrphans
from domain.names import subscription_named
from integrations.xray.driver import open_driver
from integrations.xray.interface import NodeDriver
from integrations.xray.node import Node, credential_of
from runtime import ActorSpec, Context, Message, Ref, Tick, Worker

_PAGE: Final = 500

#: Seconds between two tries at a node that does not answer.
_RETRY_SECONDS: Final = 1.0

#: Seconds after which a change is tried again that the node would not make, at first and at most.
_LEFT_SECONDS: Final = 15.0
_LEFT_SECONDS_MAX: Final = 600.0

_NAMES_IN_A_LOG: Final = 20

#: Seconds in which a node that restarted with very many users must have them all again.
_COMPARISON_SECONDS: Final = 900.0

#: Seconds for reading what very many users have moved, and who of them is online: twice what the driver gives a list.
_METER_SECONDS: Final = 150.0

#: The names of this actor's alerts.
_LACKS: Final = "node lacks users"
_LEFT: Final = "changes left undone"


class VpnNode(Worker):
    """Converges one node to the grants."""

    period = 15.0

    def __init__(self, context: Context, environment: Environment, node: Node) -> None:
        super().__init__(context)
        self._environment = environment
        self._readers = environment.readers
        self._metrics = environment.metrics
        self._node = node
        self._writer = context.ref("db_writer")
        self._driver: NodeDriver
        self._comparison: Ref
        self._changes: Changes
        self._contact = Contact()
        #: The node's run that was brought in order.
        self._epoch: str | None = None
        #: The last change up to which everything was tried.
        self._cursor = 0
        #: What the node would not do, by subscription: how often, and when it is tried again.
        self._left: dict[int, tuple[int, float]] = {}

    async def started(self) -> None:
        """Open the driver, which connects when it is first used."""
        agent = await trio.to_thread.run_sync(agent_for, self._node, self._environment)
        way = None if agent is None else agent.way()
        self._driver = await self.context.open(open_driver(self._node, way, lost=self._look_now))
        comparing = partial(Comparison, environment=self._environment, node=self._node, driver=self._driver)
        spec = ActorSpec("comparison", comparing, handle_timeout=_COMPARISON_SECONDS)
        self._comparison = await self.context.start_child(spec)
        metering = partial(NodeMeter, driver=self._driver)
        await self.context.start_child(ActorSpec("meter", metering, handle_timeout=_METER_SECONDS))
        entry = entry_of(self._node, self._environment)
        is_ours = entry is not None and entry.api is None
        health = partial(NodeHealth, driver=self._driver, agent=agent, contact=self._contact, is_ours=is_ours)
        await self.context.start_child(ActorSpec("health", health))
        self._changes = Changes(self.context, self._environment, self._node, self._driver)
        await super().started()

    async def receive(self, message: Message) -> object:
        """Put right what a comparison found, between two looks."""
        match message:
            case Heal() if not self.duty.switched_on:
                return 0
            case Heal(missing, orphans):
                with asking_a_node():
                    return await self._give(missing) + await self._take(dict(orphans))
            case Restored(epoch):
                self._epoch = epoch
                self.context.end_alert(_LACKS)
                return None
            case _:
                return await super().receive(message)

    async def tick(self) -> None:
        """Have a restarted node given its users again, and apply what the node has not confirmed."""
        try:
            with asking_a_node():
                await self._converge()
        except NodeAway as error:
            self._metrics.node_up.labels(self._node.name).set(0)
            self.context.alert(NODE_AWAY, str(error))
            self.context.nursery.start_soon(self._look_again_later)

    async def _converge(self) -> None:
        epoch = await self._driver.epoch()
        self._contact.reached_at = self.context.clock.now()
        self._metrics.node_up.labels(self._node.name).set(1)
        self.context.end_alert(NODE_AWAY)
        if epoch != self._epoch:
            if self._epoch is not None:
                self.context.alert(_LACKS, f"{self._node.name} has restarted and is given its users again")
            self._comparison.cast(Restore(epoch))
        await self._apply_changes()
        await self._try_again()
        if self._left:
            self.context.alert(
                _LEFT, f"{len(self._left)} changes of users could not be made on {self._node.name}"
            )
        else:
            self.context.end_alert(_LEFT)

    def _look_now(self) -> None:
        self.context.me.cast(Tick())

    async def _look_again_later(self) -> None:
        await self.context.clock.sleep(_RETRY_SECONDS)
        self._look_now()

    async def _apply_changes(self) -> None:
        """Apply what changed since the last look, in the order in which it was decided."""
        [newest] = await self._readers.fetch(Newest, NEWEST, reader=self.context.name)
        while page := await self._readers.fetch(
            Wish,
            CHANGES,
            (bool(self._node.grace), self._node.name, self._cursor, newest.change, _PAGE),
            reader=self.context.name,
        ):
            await self._apply_and_confirm(page)
            self._cursor = page[-1].change
            if self.out_of_time:
                self.context.me.cast(Tick())
                return
        self._cursor = newest.change

    async def _try_again(self) -> None:
        """Try what the node would not do before, as it is wanted now."""
        now = trio.current_time()
        due = [number for number, (_, at) in self._left.items() if at <= now][:_PAGE]
        if due:
            await self._apply_and_confirm(await self._wishes(due))

    async def _apply_and_confirm(self, page: Iterable[Wish]) -> None:
        self._environment.step("page read")
        confirmed: list[Confirmation] = []
        async with trio.open_nursery() as nursery:
            for wish in page:
                nursery.start_soon(self._confirm, wish, confirmed)
        self._environment.step("page applied")
        await self.together(confirmed, self._record, key=lambda each: str(each.subscription_id))
        self._environment.step("page confirmed")

    async def _record(self, confirmed: Sequence[Confirmation]) -> int:
        await self._writer.call(Write(ConfirmProvisions(self._node.name, tuple(confirmed))))
        return len(confirmed)

    async def _confirm(self, wish: Wish, confirmed: list[Confirmation]) -> None:
        number = wish.subscription_id
        with self.context.adopt(wish.trace):
            if await self._changes.carry_out(wish):
                self._left.pop(number, None)
                confirmed.append(
                    Confirmation(number, wish.version, wish.present, wish.generation, wish.grace)
                )
                event = "access given" if wish.present else "access taken"
                self.context.log.info(event, node=self._node.name, subscription=number)
            else:
                tries = self._left.get(number, (0, 0.0))[0]
                wait = min(_LEFT_SECONDS * 2 ** min(tries, 16), _LEFT_SECONDS_MAX)
                self._left[number] = (tries + 1, trio.current_time() + wait)

    async def _give(self, missing: Iterable[int]) -> int:
        """Give back who is missing, if they are still to be there; return how many were given."""
        given: list[Wish] = []

        async def one(wish: Wish) -> None:
            if await self._changes.give(wish):
                given.append(wish)

        async with trio.open_nursery() as nursery:
            for wish in await self._wishes(missing):
                if wish.present:
                    nursery.start_soon(one, wish)
        self._environment.step("page given back")
        return len(given)

    async def _take(self, orphans: dict[str, UUID]) -> int:
        """Remove who is still an orphan, on the record before and after (U5); return how many were removed."""
        sound, misnamed = await self._still_orphans(orphans)
        removed: list[tuple[str, UUID]] = []

        async def one(orphan: tuple[str, UUID]) -> None:
            wish = misnamed.get(orphan[0])
            if await (
                self._changes.drop(orphan[0]) if wish is None else self._changes.rename(orphan[0], wish)
            ):
                removed.append(orphan)

        if sound:
            record = partial(RecordOrphans, self._node.name)
            await self._writer.call(Write(record(sound, removed=False)))
            self._environment.step("orphans recorded")
            async with trio.open_nursery() as nursery:
                for orphan in sound:
                    nursery.start_soon(one, orphan)
            self._environment.step("orphans removed")
            await self._writer.call(Write(record(tuple(removed), removed=True)))
            names = [name for name, _ in removed][:_NAMES_IN_A_LOG]
            self.context.log.warning("orphans removed", node=self._node.name, names=names)
        return len(removed)

    async def _still_orphans(
        self, orphans: dict[str, UUID]
    ) -> tuple[tuple[tuple[str, UUID], ...], dict[str, Wish]]:
        """Who has no subscription, nor a UUID that belongs to one, as things stand now (U3).

        And whose own subscription has them under another name: they are among the first, and by name in the second.
        """
        owners = {name: number for name in orphans if (number := subscription_named(name)) is not None}
        wishes = {wish.subscription_id: wish for wish in await self._wishes(owners.values())}
        parameters = (list(orphans.values()), len(orphans))
        wanted = await self._readers.fetch(
            Credential, WANTED_CREDENTIALS, parameters, reader=self.context.name
        )
        credentials = {credential_of(each.uuid) for each in wanted}
        sound, misnamed = [], {}
        for name, uuid in orphans.items():
            wish = wishes.get(owners[name])
            if wish is not None and wish.present and wish.name == name:
                continue
            if credential_of(uuid) not in credentials:
                sound.append((name, uuid))
            elif wish is not None and wish.present and credential_of(wish.uuid) == credential_of(uuid):
                sound.append((name, uuid))
                misnamed[name] = wish
        return tuple(sound), misnamed

    async def _wishes(self, numbers: Iterable[int]) -> list[Wish]:
        numbers = list(numbers)
        parameters = (bool(self._node.grace), self._node.name, numbers, len(numbers))
        return await self._readers.fetch(Wish, WISHES, parameters, reader=self.context.name)
