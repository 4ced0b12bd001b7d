"""What actors say to each other. These types are never reloaded, so that what is queued still matches its receiver."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Generic, TypeVar
from uuid import UUID

from domain.commands import Command, Reading, SetSwitch, Verdict
from runtime import Call, Cast, Unavailable

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Write(Call[R], Generic[R]):
    """Have the `db_writer` carry out a command; the answer comes after its commit."""

    command: Command[R]


@dataclass(frozen=True, slots=True)
class Beat(Cast):
    """It is time to show the database that we live, and to find out whether it does."""

    coalesce: ClassVar[bool] = True


class NotWritten(Unavailable):
    """The database does not take what is written just now; whether it took this is found out by asking again."""


class CommandFailed(Exception):
    """A command changed nothing because of a mistake of ours; its cause says which. The writer goes on."""


@dataclass(frozen=True, slots=True)
class LookAgain(Cast):
    """A hint that there is something to do; losing it costs a tick, never a fact."""

    coalesce: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Flip(Call[Verdict]):
    """Have a switch put as an operator wants it, kept, and obeyed."""

    command: SetSwitch


@dataclass(frozen=True, slots=True)
class CheckOut(Cast):
    """Telegram asks whether a person may pay; it waits ten seconds for the answer, so this never queues behind work."""

    body: bytes


@dataclass(frozen=True, slots=True)
class Compared:
    """What a comparison of a node with the database found, and what of it was put right.

    `held_back` orphans are too many to be removed without an operator's word.
    """

    users: int
    missing: int
    restored: int
    orphans: int
    removed: int
    held_back: int


@dataclass(frozen=True, slots=True)
class Compare(Call[Compared]):
    """Have a node compared with the database and put right.

    Orphans are removed up to `percent` of the node's users, or as many as an operator has `confirmed`.
    """

    percent: int
    confirmed: int


@dataclass(frozen=True, slots=True)
class Metered:
    """How far the counters of a run of a node have come, and from which addresses each subscription is online."""

    epoch: str
    readings: tuple[Reading, ...]
    online: Mapping[int, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Meter(Call[Metered]):
    """Have the counters of a node read; nothing is set back by it."""


@dataclass(frozen=True, slots=True)
class NodeState:
    """How a node is: what is wrong with it, when it was last reached, seconds since its start, and its users.

    `restarts` is how often its agent had to start Xray again, `version` that of the package which its Xray comes in;
    neither is known of every node.
    """

    problem: str = ""
    reached_at: datetime | None = None
    up: int | None = None
    users: int | None = None
    restarts: int | None = None
    version: str = ""


@dataclass(frozen=True, slots=True)
class Examine(Call[NodeState]):
    """Have it said how a node is."""


@dataclass(frozen=True, slots=True)
class KeepOut(Call[bool]):
    """Have a node let these users, by name, not in from these addresses, and everybody else in from everywhere.

    Answered by whether the node can do that.
    """

    wanted: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Restore(Cast):
    """Have whoever a node lacks in this run of it given back to it."""

    coalesce: ClassVar[bool] = True
    epoch: str


@dataclass(frozen=True, slots=True)
class Restored(Cast):
    """Nobody is missing on a node any more since it began the run `epoch`."""

    epoch: str


@dataclass(frozen=True, slots=True)
class Heal(Call[int]):
    """Give a node these subscriptions and take these users, by name, from it: whatever is still so when it is done.

    Answered by how many were put right.
    """

    missing: tuple[int, ...] = ()
    orphans: tuple[tuple[str, UUID], ...] = ()
