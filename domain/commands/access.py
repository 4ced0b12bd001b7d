"""Commands about the end of paid time, and what nodes confirm."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from domain.commands.base import Command, Needs


@dataclass(frozen=True, slots=True)
class Endings:
    """What became of subscriptions that were due: how many ended, and how many go on because they were renewed."""

    ended: int
    renewed: int


@dataclass(frozen=True, slots=True)
class ExpireSubscriptions(Command[Endings]):
    """End those subscriptions whose time is over in the writer's own order.

    Either trials or what is more than a trial (U1): what has become the other since it was read is left alone.
    """

    reply_type: ClassVar[object] = Endings
    subscription_ids: tuple[int, ...]
    trials: bool = False

    def needs(self) -> Needs:
        return Needs(subscriptions=self.subscription_ids, inviters=True)


@dataclass(frozen=True, slots=True)
class RemindSubscriptions(Command[int]):
    """Tell the users of those subscriptions whose reminder is due; answered by how many were dealt with."""

    reply_type: ClassVar[object] = int
    subscription_ids: tuple[int, ...]

    def needs(self) -> Needs:
        return Needs(subscriptions=self.subscription_ids)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A node has, or no longer has, the user of a subscription as of a version of its grant."""

    subscription_id: int
    version: int
    present: bool
    generation: int = 0
    grace: bool = False


@dataclass(frozen=True, slots=True)
class ConfirmProvisions(Command[None]):
    """Record what a node confirmed (U5); the first confirmation of a presence tells the user that the key works."""

    reply_type: ClassVar[object] = None
    node: str
    confirmed: tuple[Confirmation, ...]

    def needs(self) -> Needs:
        return Needs(subscriptions=tuple(each.subscription_id for each in self.confirmed))


@dataclass(frozen=True, slots=True)
class RecordOrphans(Command[None]):
    """Note whom a node has and nobody should, before they are removed and once the node confirmed it (U5)."""

    reply_type: ClassVar[object] = None
    node: str
    orphans: tuple[tuple[str, UUID], ...]
    removed: bool

    def needs(self) -> Needs:
        return Needs(orphans=tuple((self.node, name) for name, _ in self.orphans))
