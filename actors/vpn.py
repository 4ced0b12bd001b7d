"""`vpn`: the one owner of access. Every change of users on Xray nodes goes through here (U11).

One child for each node, so that a dead or slow node holds up nobody but itself (U12). A child converges: it
takes the grants that are newer than what its node confirmed, applies them idempotently, and has the writer
record what was confirmed. A node that restarted has lost its users; the child notices and gives them all
again.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

import trio

from actors.environment import Environment
from actors.messages import LookAgain, Write
from domain.commands import Confirmation, ConfirmProvisions
from integrations.xray.driver import open_driver
from integrations.xray.interface import NodeDriver, NodeRefused, NodeUnavailable
from integrations.xray.node import Node, NodeUser
from runtime import Actor, ActorSpec, Context, Message, Ref, Tick, Worker

_PAGE: Final = 500

#: Names that we give; other users of a node that is shared with somebody are theirs.
_OURS: Final = re.compile(r"s[1-9][0-9]*")

#: Seconds between two tries at a node that does not answer.
_RETRY_SECONDS: Final = 1.0

_UNCONFIRMED: Final = """
    SELECT g.subscription_id, g.uuid, g.present, g.version, g.trace
    FROM grants g LEFT JOIN provisions p ON p.subscription_id = g.subscription_id AND p.node = %s
    WHERE p.version IS DISTINCT FROM g.version AND g.subscription_id > %s
    ORDER BY g.subscription_id LIMIT %s
"""

_PRESENT: Final = """
    SELECT subscription_id, uuid, present, version, trace FROM grants
    WHERE present AND subscription_id > %s
    ORDER BY subscription_id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Desired:
    """What should be on a node for one subscription."""

    subscription_id: int
    uuid: UUID
    present: bool
    version: int
    trace: str | None


class Vpn(Actor):
    """Starts a child for each node, and passes hints on to all of them."""

    def __init__(self, context: Context, environment: Environment) -> None:
        super().__init__(context)
        self._environment = environment
        self._nodes: list[Ref] = []

    async def started(self) -> None:
        """Start the children; a node need not answer for that."""
        for node in self._environment.nodes:
            child = ActorSpec(node.name, partial(VpnNode, environment=self._environment, node=node))
            self._nodes.append(await self.context.start_child(child))

    async def receive(self, message: Message) -> object:
        """Have every node look at its grants."""
        match message:
            case LookAgain():
                for node in self._nodes:
                    node.cast(Tick())
                return None
            case _:
                return await super().receive(message)


class VpnNode(Worker):
    """Converges one node to the grants."""

    period = 15.0

    def __init__(self, context: Context, environment: Environment, node: Node) -> None:
        super().__init__(context)
        self._readers = environment.readers
        self._metrics = environment.metrics
        self._node = node
        self._writer = context.ref("db_writer")
        self._driver: NodeDriver | None = None
        #: The node's run that was brought in order.
        self._epoch: str | None = None

    async def started(self) -> None:
        """Open the driver, which connects when it is first used."""
        self._driver = await self.context.open(open_driver(self._node))
        await super().started()

    async def tick(self) -> None:
        """Give a restarted node its users again, then apply what it has not confirmed."""
        try:
            assert self._driver is not None, "started opens the driver"
            epoch = await self._driver.epoch()
            self._metrics.node_up.labels(self._node.name).set(1)
            if epoch != self._epoch:
                await self._restore()
                self._epoch = epoch
            await self._apply_unconfirmed()
        except* (NodeUnavailable, NodeRefused) as group:
            reason = str(next(iter(_leaves(group))))
            self.context.log.warning("node unavailable", node=self._node.name, error=reason)
            self._metrics.node_up.labels(self._node.name).set(0)
            self.context.nursery.start_soon(self._look_again_later)

    async def _look_again_later(self) -> None:
        await self.context.clock.sleep(_RETRY_SECONDS)
        self.context.me.cast(Tick())

    async def _restore(self) -> None:
        """Compare the node's users with the grants: give back who is missing, take away whose time is over."""
        assert self._driver is not None, "started opens the driver"
        there = await self._driver.users()
        orphans = {email for email in there if _OURS.fullmatch(email)}
        missing: list[Desired] = []
        last = 0
        while page := await self._readers.fetch(Desired, _PRESENT, (last, _PAGE), reader=self.context.name):
            for grant in page:
                orphans.discard(_email(grant))
                known = there.get(_email(grant))
                if known is None or known.uuid != grant.uuid:
                    missing.append(grant)
            last = page[-1].subscription_id
        async with trio.open_nursery() as nursery:
            for grant in missing:
                nursery.start_soon(self._apply, grant)
            for email in orphans:
                nursery.start_soon(self._driver.drop, email)
        self.context.log.info("node restored", node=self._node.name, given=len(missing), taken=len(orphans))

    async def _apply_unconfirmed(self) -> None:
        last = 0
        while page := await self._readers.fetch(
            Desired, _UNCONFIRMED, (self._node.name, last, _PAGE), reader=self.context.name
        ):
            confirmed: list[Confirmation] = []
            async with trio.open_nursery() as nursery:
                for grant in page:
                    nursery.start_soon(self._confirm, grant, confirmed)
            if confirmed:
                await self._writer.call(Write(ConfirmProvisions(self._node.name, tuple(confirmed))))
            last = page[-1].subscription_id

    async def _confirm(self, grant: Desired, confirmed: list[Confirmation]) -> None:
        with self.context.adopt(grant.trace):
            if await self._apply(grant):
                confirmed.append(Confirmation(grant.subscription_id, grant.version, grant.present))
                event = "access given" if grant.present else "access taken"
                self.context.log.info(event, node=self._node.name, subscription=grant.subscription_id)

    async def _apply(self, grant: Desired) -> bool:
        """Bring one user to what is desired; whom the node refuses or cannot cut stays unconfirmed."""
        assert self._driver is not None, "started opens the driver"
        try:
            if grant.present:
                await self._driver.ensure(self._user(grant))
            elif not await self._driver.drop(_email(grant)):
                self.context.log.warning("still connected", subscription=grant.subscription_id)
                return False
        except NodeRefused as error:
            self.context.log.error("grant refused", subscription=grant.subscription_id, error=str(error))
            return False
        change = "ensured" if grant.present else "removed"
        self._metrics.node_users.labels(self._node.name, change).inc()
        return True

    def _user(self, grant: Desired) -> NodeUser:
        return NodeUser(email=_email(grant), uuid=grant.uuid, flow=self._node.flow)


def _email(grant: Desired) -> str:
    """The name of a subscription on a node; Xray calls it an e-mail address."""
    return f"s{grant.subscription_id}"


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for each in group.exceptions:
        if isinstance(each, BaseExceptionGroup):
            yield from _leaves(each)
        else:
            yield each
