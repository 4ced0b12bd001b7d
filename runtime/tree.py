"""The tree while it runs: a node for each actor and group, and who is affected when one of them fails.

Nodes hold what the supervisor remembers; nothing here acts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum

import trio

from .cell import Cell, Exchange
from .incarnation import Incarnation
from .restarts import Backoff, RestartWindow
from .specs import ActorSpec, GroupSpec, Intensity, Strategy


class Phase(Enum):
    """Where an actor is in its life, as the supervisor sees it."""

    DOWN = "down"
    STARTING = "starting"
    UP = "up"
    LEAVING = "leaving"


class Starter:
    """Whoever started a child and waits to hear whether that succeeded."""

    __slots__ = ("_cell", "_done", "_error")

    def __init__(self) -> None:
        self._done = trio.Event()
        self._cell: Cell | None = None
        self._error: Exception | None = None

    def succeed(self, cell: Cell) -> None:
        """The child has started."""
        self._cell = cell
        self._done.set()

    def fail(self, error: Exception) -> None:
        """The child did not start; without effect if it once did."""
        if not self._done.is_set():
            self._error = error
            self._done.set()

    async def wait(self) -> Cell:
        """Return the child's cell when it has started, raise if it did not."""
        await self._done.wait()
        if self._error is not None:
            raise self._error
        assert self._cell is not None
        return self._cell


class Trial:
    """New code that an actor is being restarted with; until it has started, the way back is open."""

    __slots__ = ("_done", "_error", "new", "old")

    def __init__(self, old: ActorSpec, new: ActorSpec) -> None:
        self.old = old
        self.new = new
        self._done = trio.Event()
        self._error: Exception | None = None

    def end(self, error: Exception | None = None) -> None:
        """The new code has started, or was given up because of `error`."""
        self._error = error
        self._done.set()

    async def wait(self) -> None:
        """Return when the new code has started, raise if it was given up."""
        await self._done.wait()
        if self._error is not None:
            raise self._error


class ActorNode:
    """An actor's place in the tree."""

    __slots__ = (
        "backoff",
        "cell",
        "dismissed",
        "gone",
        "group",
        "incarnation",
        "offspring",
        "phase",
        "retired",
        "spec",
        "starter",
        "trial",
        "was_up",
    )

    def __init__(self, spec: ActorSpec, cell: Cell, group: GroupNode, starter: Starter | None = None) -> None:
        self.spec = spec
        self.cell = cell
        self.group = group
        self.phase = Phase.DOWN
        self.incarnation: Incarnation | None = None
        self.backoff = Backoff()
        self.offspring: GroupNode | None = None
        self.starter = starter
        self.trial: Trial | None = None
        self.gone = trio.Event()
        self.was_up = False
        self.dismissed = False
        self.retired = False
        """True when it will not be started again by itself."""

    def children_are_down(self) -> bool:
        """True if nobody is left of the life before: a child that drains may take longer than its parent."""
        return self.offspring is None or all(child.phase is Phase.DOWN for child in self.offspring.leaves())

    def leaves(self) -> Iterator[ActorNode]:
        # Before itself: whoever is stopped in reverse order stops before the children that it works through.
        if self.offspring is not None:
            yield from self.offspring.leaves()
        yield self


class GroupNode:
    """A group's place in the tree; `owner` is the actor whose children these are, if they were started at run time."""

    __slots__ = ("backoff", "children", "former", "name", "owner", "parent", "strategy", "window")

    def __init__(
        self,
        name: str,
        strategy: Strategy,
        intensity: Intensity,
        parent: GroupNode | None,
        owner: ActorNode | None = None,
    ) -> None:
        self.name = name
        self.strategy = strategy
        self.parent = parent
        self.owner = owner
        self.window = RestartWindow(intensity)
        self.backoff = Backoff()
        self.children: list[ActorNode | GroupNode] = []
        self.former: dict[str, ActorNode] = {}
        """Children of the owner's previous incarnation, whose addresses are kept until its next one has started."""

    def leaves(self) -> Iterator[ActorNode]:
        """Every actor below, in order of start (an actor's own children stand before it)."""
        for child in self.children:
            yield from child.leaves()

    def has(self, name: str) -> bool:
        """True if an actor of this full name is a child."""
        return any(isinstance(child, ActorNode) and child.cell.name == name for child in self.children)

    def let_go(self, child: ActorNode) -> None:
        """Take a child out of the tree, but keep its address and mail."""
        self.children.remove(child)
        self.former[child.cell.name] = child

    def take_former(self) -> Iterator[ActorNode]:
        """The former children, and theirs, that nobody has started again."""
        former, self.former = self.former, {}
        for child in former.values():
            if child.offspring is not None:
                yield from child.offspring.take_former()
            yield child

    def affected_by(self, failed: ActorNode | GroupNode) -> list[ActorNode]:
        """Who must be restarted when the child `failed` fails, in order of start."""
        affected: Sequence[ActorNode | GroupNode]
        match self.strategy:
            case "one_for_one":
                affected = [failed]
            case "rest_for_one":
                affected = self.children[self.children.index(failed) :]
            case "one_for_all":
                affected = self.children
        return [leaf for child in affected for leaf in child.leaves()]


def plant(spec: GroupSpec, parent: GroupNode | None, exchange: Exchange) -> GroupNode:
    """Nodes and cells for everything in `spec`; nothing is started."""
    group = GroupNode(spec.name, spec.strategy, spec.intensity, parent)
    for child in spec.children:
        if isinstance(child, GroupSpec):
            group.children.append(plant(child, group, exchange))
        else:
            group.children.append(ActorNode(child, Cell(child.name, child.mailbox, exchange), group))
    return group
