"""What turnpike needs of a node, whoever manages it: an Xray that we control, or later a panel that an operator has.

Everything about access is written against `NodeDriver`. One driver implements it, `integrations.xray.driver`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from msgspec import Struct

from integrations.xray.node import NodeUser


class NodeUnavailable(Exception):
    """The node gave no answer (down, too slow, connection cut). What was asked may have been done or not."""


class NodeRefused(Exception):
    """The node answers and does not do what was asked; repeating will not help, its configuration must change."""


class NodeBusy(Exception):
    """Another process, or another driver of this one, drives this node."""


class Traffic(Struct, frozen=True, gc=False):
    """Bytes that a user moved since the node's start: `up` from them to the world, `down` to them.

    A node has very many of them, so the collector of cycles need not look at them.
    """

    up: int = 0
    down: int = 0

    def __add__(self, other: "Traffic") -> "Traffic":
        """Both together."""
        return Traffic(self.up + other.up, self.down + other.down)


@dataclass(frozen=True, slots=True)
class Usage:
    """Counters of one run of a node, which only grow while the epoch is the same and begin at nothing in another.

    So whoever keeps the last value with its epoch counts every byte once: the difference in the same epoch, all
    of it in a new one.
    """

    epoch: str
    by_email: Mapping[str, Traffic]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a node can do, as it is now."""

    #: `drop` ends open connections; without it, a removed user keeps what is open until they close it.
    cuts: bool
    #: The counters of an open connection grow while it lasts, not only at its end.
    counts_live: bool


class NodeDriver(Protocol):
    """One node.

    Every method raises `NodeUnavailable` or `NodeRefused`, and has a deadline of its own. After `NodeUnavailable`
    the outcome is unknown: call again. Calls for one user take effect in the order in which they were made.
    """

    async def ensure(self, user: NodeUser) -> None:
        """Make the node have exactly this user under this name. Idempotent. Raises `BadUser`."""

    async def absent(self, email: str) -> None:
        """Make the node have no user of this name; open connections of theirs are not cut by it. Idempotent."""

    async def drop(self, email: str) -> bool:
        """Make the node have no user of this name and end what they have open, nobody else's. Idempotent.

        True if nothing of theirs is open any more. False if something is and this node cannot end it: what it can
        do against new connections is done; call again until they have left.
        """

    async def users(self) -> dict[str, NodeUser]:
        """All users of the node by name, those that we did not put there included."""

    async def count(self) -> int:
        """How many users the node has."""

    async def usage(self) -> Usage:
        """What everybody who was ever connected in this run of the node has moved; nothing is set back by it."""

    async def online(self) -> dict[str, frozenset[str]]:
        """Who is connected now, by name, and from which addresses; loopback addresses are never told."""

    async def keep_out(self, wanted: Collection[tuple[str, str]]) -> bool:
        """Make the node refuse new connections of these names from these addresses, and from no others.

        What is open goes on. False on a node that cannot do that: one whose Xray turnpike did not start, as what its
        version makes of such a rule is not known. Raises `BadUser`.
        """

    async def epoch(self) -> str:
        """A name for this run of the node: another one means that it restarted and lost users and counters."""

    async def uptime(self) -> int:
        """Whole seconds since the node's start."""

    async def capabilities(self) -> Capabilities:
        """What the node can do now."""
