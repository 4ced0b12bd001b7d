"""Commands about the end of paid time, and what nodes confirm."""

from dataclasses import dataclass
from typing import ClassVar

from domain.commands.base import Command, Needs


@dataclass(frozen=True, slots=True)
class ExpireSubscriptions(Command[int]):
    """End those subscriptions whose time is over in the writer's own order; answered by how many ended."""

    reply_type: ClassVar[object] = int
    subscription_ids: tuple[int, ...]

    def needs(self) -> Needs:
        return Needs(subscriptions=self.subscription_ids, inviters=True)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A node has, or no longer has, the user of a subscription as of a version of its grant."""

    subscription_id: int
    version: int
    present: bool


@dataclass(frozen=True, slots=True)
class ConfirmProvisions(Command[None]):
    """Record what a node confirmed (U5); the first confirmation of a presence tells the user that the key works."""

    reply_type: ClassVar[object] = None
    node: str
    confirmed: tuple[Confirmation, ...]

    def needs(self) -> Needs:
        return Needs(subscriptions=tuple(each.subscription_id for each in self.confirmed))
