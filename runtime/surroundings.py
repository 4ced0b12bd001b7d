"""What incarnations and the supervisor find around them: names, time, and the children that actors start."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from .cell import Cell, Exchange
from .clock import Clock
from .errors import UnknownActor
from .names import did_you_mean
from .specs import ActorSpec, GroupSpec, Intensity
from .tree import ActorNode, GroupNode, Starter, plant

if TYPE_CHECKING:
    from .supervisor import Supervisor


class Surroundings:
    """What incarnations and the supervisor find around them: names, time, children, and where to report."""

    supervisor: Supervisor

    def __init__(self, root: GroupSpec, clock: Clock) -> None:
        self.exchange = Exchange()
        self.root: GroupNode = plant(root, None, self.exchange)
        self._clock = clock
        self._nodes: dict[str, ActorNode] = {node.cell.name: node for node in self.root.leaves()}
        # A reference to a child that is gone is good again when a child of that name is started again.
        self._gone: WeakValueDictionary[str, Cell] = WeakValueDictionary()

    @property
    def clock(self) -> Clock:
        """Time of day."""
        return self._clock

    def cells(self) -> Iterator[Cell]:
        """Every address, those of former children included."""
        for node in tuple(self._nodes.values()):
            yield node.cell

    def node(self, name: str) -> ActorNode:
        """The place of an actor in the tree. Raises UnknownActor."""
        try:
            return self._nodes[name]
        except KeyError:
            raise UnknownActor(f"no actor is named {name!r}{did_you_mean(name, self._nodes)}") from None

    def find(self, name: str) -> Cell:
        """The cell of an actor. Raises UnknownActor."""
        return self.node(name).cell

    async def start_child(self, parent: Cell, spec: ActorSpec) -> Cell:
        """Start an actor below `parent`; returns when it has started."""
        owner, starter = self.node(parent.name), Starter()
        self.supervisor.post(partial(self.supervisor.add_child, owner, owner.incarnation, spec, starter))
        return await starter.wait()

    def plant_child(self, owner: ActorNode, spec: ActorSpec, starter: Starter) -> ActorNode:
        """A place in the tree below `owner`, with the address and mail of a former child of that name if any."""
        if owner.offspring is None:
            owner.offspring = GroupNode(owner.cell.name, "one_for_one", Intensity(), None, owner)
        name = f"{owner.cell.name}/{spec.name}"
        former = owner.offspring.former.pop(name, None)
        cell = self._gone.pop(name, None) if former is None else former.cell
        if cell is None:
            cell = Cell(name, spec.mailbox, self.exchange)
        cell.reopen()
        node = ActorNode(spec, cell, owner.offspring, starter)
        if former is not None and former.offspring is not None:
            node.offspring, former.offspring.owner = former.offspring, node
        owner.offspring.children.append(node)
        self._nodes[name] = node
        return node

    async def stop_child(self, parent: Cell, name: str) -> None:
        """Drain and stop a child of `parent`; returns when it is gone."""
        node = self.node(f"{parent.name}/{name}")
        self.supervisor.post(partial(self.supervisor.remove_child, node))
        await node.gone.wait()

    def forget(self, cell: Cell) -> None:
        """A child is gone, and its name with it."""
        self._nodes.pop(cell.name, None)
        self._gone[cell.name] = cell
