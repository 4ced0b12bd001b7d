"""How children that were started at run time leave the tree: after their own children, and with or without their
address.

A child whose parent's life is over keeps its address and mail until the parent's next incarnation has started,
which may start it again. One that was dismissed, or has retired, is gone at once.
"""

from __future__ import annotations

from collections.abc import Callable

from .cell import Cell
from .tree import ActorNode, Phase


class Families:
    """Takes children out of the tree."""

    def __init__(self, forget: Callable[[Cell], None]) -> None:
        self._forget = forget

    def leave(self, node: ActorNode) -> None:
        """A child that has ended leaves the tree; if it still has children, with the last of them."""
        group = node.group
        node.retired = True
        if node.dismissed:
            node.cell.close()
        if node not in group.children or not node.children_are_down():
            return
        if node.dismissed:
            group.children.remove(node)
            self._forget(node.cell)
            self.close_former(node)
            node.gone.set()
        else:
            group.let_go(node)
        owner = group.owner
        if (
            owner is not None
            and owner.group.owner is not None
            and owner.retired
            and owner.phase is Phase.DOWN
        ):
            self.leave(owner)

    def children_leave(self, node: ActorNode) -> None:
        """The children of a life that is over leave: those that are down now, the others when they are."""
        if node.offspring is not None:
            for child in tuple(node.offspring.leaves()):
                if child.phase is Phase.DOWN:
                    self.leave(child)

    def close_former(self, node: ActorNode) -> None:
        """Close the addresses of former children that were not started again."""
        if node.offspring is not None:
            for child in node.offspring.take_former():
                child.cell.close()
                self._forget(child.cell)
