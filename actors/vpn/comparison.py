"""Comparing a node with the database: a child of the node's actor, so that a long list holds up no change (U12).

It only reads. Whom the node lacks, and who is on it without reason, it hands to the node's actor page by page, who
looks again and puts it right between two other changes: so whatever was decided meanwhile counts (U3).
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeVar
from uuid import UUID

import trio

from actors.environment import Environment
from actors.messages import Compare, Compared, Heal, Restore, Restored
from actors.vpn.errors import asking_a_node
from domain.reconciliation import Differences, Known
from integrations.xray.interface import NodeDriver
from integrations.xray.node import Node
from runtime import Actor, Context, Message, Tick, UnknownActor

T = TypeVar("T")

_READ_PAGE: Final = 5000
_PAGE: Final = 500

_KNOWN: Final = """
    SELECT g.subscription_id, g.uuid, g.present, p.version IS DISTINCT FROM g.version AS pending, g.generation, g.grace
    FROM grants g LEFT JOIN LATERAL (
            SELECT version FROM provisions WHERE subscription_id = g.subscription_id AND node = %s LIMIT 1
        ) AS p ON true
    WHERE (g.present AND (NOT g.grace OR %s) OR p.version IS DISTINCT FROM g.version) AND g.subscription_id > %s
    ORDER BY g.subscription_id LIMIT %s
"""

_BEGUN: Final = """
    SELECT name, uuid FROM orphans WHERE node = %s AND removed_at IS NULL AND name > %s ORDER BY name LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Begun:
    """A user whose removal from the node has begun."""

    name: str
    uuid: UUID


class Comparison(Actor):
    """Compares one node, at the word of the reconciler and after each restart of the node."""

    def __init__(self, context: Context, environment: Environment, node: Node, driver: NodeDriver) -> None:
        super().__init__(context)
        self._readers = environment.readers
        self._step = environment.step
        self._node = node
        self._driver = driver
        self._changes = context.ref(context.name.rpartition("/")[0])
        #: The node's run in which nobody was missing any more.
        self._restored: str | None = None

    async def receive(self, message: Message) -> object:
        """Compare; raises `NodeAway`."""
        match message:
            case Compare(percent, confirmed):
                return await self._compare(percent, confirmed)
            case Restore(epoch):
                await self._restore(epoch)
                return None
            case _:
                return await super().receive(message)

    async def _restore(self, epoch: str) -> None:
        if epoch != self._restored:
            found = await self._differences()
            given = await self._give(found)
            self.context.log.info(
                "node restored", node=self._node.name, missing=len(found.missing), given=given
            )
            self._restored = epoch
            self._have_orphans_removed()
        self._changes.cast(Restored(epoch))

    def _have_orphans_removed(self) -> None:
        """A node may begin with users whose time is over by now; how many may go at once is not ours to say."""
        with suppress(UnknownActor):
            self.context.ref("xray_reconciler").cast(Tick())

    async def _compare(self, percent: int, confirmed: int) -> Compared:
        found = await self._differences()
        allowed = found.may_remove(percent, confirmed)
        given = await self._give(found)
        removed = 0
        if allowed:
            removed += await self._take(found.orphans.items())
        await self._finish_removals(found)
        return Compared(
            users=len(found.there),
            missing=len(found.missing),
            restored=given,
            orphans=len(found.orphans),
            removed=removed,
            held_back=0 if allowed else len(found.orphans),
        )

    async def _take(self, orphans: Iterable[tuple[str, UUID]]) -> int:
        return sum([await self._changes.call(Heal(orphans=page)) for page in _pages(orphans)])

    async def _finish_removals(self, found: Differences) -> None:
        """Orphans whose removal began and was not recorded, because the process was killed in between (U5)."""
        last = ""
        while page := await self._readers.fetch(
            Begun, _BEGUN, (self._node.name, last, _PAGE), reader=self.context.name
        ):
            await self._take([(each.name, each.uuid) for each in page if each.name not in found.there])
            last = page[-1].name

    async def _give(self, found: Differences) -> int:
        return sum([await self._changes.call(Heal(missing=page)) for page in _pages(found.missing)])

    async def _differences(self) -> Differences:
        with asking_a_node():
            users = await self._driver.users()
        self._step("node listed")
        found, last = Differences(), 0
        for page in _pages(users.items()):
            found.list((name, user.uuid) for name, user in page)
            await trio.lowlevel.checkpoint()
        while known := await self._readers.fetch(
            Known,
            _KNOWN,
            (self._node.name, bool(self._node.grace), last, _READ_PAGE),
            reader=self.context.name,
        ):
            found.compare(known)
            last = known[-1].subscription_id
        self._step("node compared")
        return found


def _pages(rows: Iterable[T]) -> Iterator[tuple[T, ...]]:
    waiting = iter(rows)
    while page := tuple(islice(waiting, _PAGE)):
        yield page
