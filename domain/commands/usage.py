"""Commands about what people move.

There are very many readings at once, so they are structs that the collector of cycles need not look at.
"""

from dataclasses import dataclass
from typing import ClassVar

from msgspec import Struct

from domain.commands.base import Command, Needs


class Reading(Struct, frozen=True, gc=False):
    """A subscription's counters on a node as they stood: bytes since the beginning of that run of the node."""

    subscription_id: int
    up: int
    down: int


@dataclass(frozen=True, slots=True)
class RecordUsage(Command[int]):
    """Count what the counters of a run of a node say beyond what is known; answered by how many said more.

    Idempotent in any order: a reading that comes again, or late, says nothing more.
    """

    reply_type: ClassVar[object] = int
    node: str
    epoch: str
    readings: tuple[Reading, ...]

    def needs(self) -> Needs:
        return Needs(
            subscriptions=tuple(each.subscription_id for each in self.readings),
            runs=((self.node, self.epoch),),
            usage=tuple((each.subscription_id, self.node) for each in self.readings),
        )


class Online(Struct, frozen=True, gc=False):
    """From how many addresses a subscription is connected, on all nodes together."""

    subscription_id: int
    addresses: int


@dataclass(frozen=True, slots=True)
class Excess:
    """A subscription that is connected from more addresses than the `devices` that its plan is for.

    Its user is called `name` on nodes; with `keep_out`, the newest addresses are to be let in no more.
    """

    subscription_id: int
    name: str
    devices: int
    keep_out: bool


@dataclass(frozen=True, slots=True)
class RecordOnline(Command[tuple[Excess, ...]]):
    """Note from how many addresses people are connected; answered by those who are over what they may."""

    reply_type: ClassVar[object] = tuple[Excess, ...]
    online: tuple[Online, ...]

    def needs(self) -> Needs:
        return Needs(subscriptions=tuple(each.subscription_id for each in self.online))
