"""Commands about what people move."""

from dataclasses import dataclass
from typing import ClassVar

from domain.commands.base import Command, Needs


@dataclass(frozen=True, slots=True)
class Reading:
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
