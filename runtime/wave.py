"""A wave: some actors that are taken down in reverse order and, unless they are to stay down, brought up in order.

Everything that a supervisor does to actors is a wave: the start of the tree (nothing to take down), its stop
(nothing to bring up), a restart after a failure. A wave acts on levels, not on edges: `advance` looks at where its
actors are and does the next step, so it does not matter in which order the news about them arrive. A newer wave
takes its actors out of older ones; what is left of an older one goes on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from enum import Enum

import trio

from .incarnation import Order
from .tree import ActorNode, Phase


class Stage(Enum):
    """How far a wave is."""

    TAKING_DOWN = "taking down"
    PAUSING = "pausing"
    BRINGING_UP = "bringing up"
    DONE = "done"


class Wave:
    """Actors on their way down and up again."""

    def __init__(
        self,
        members: Iterable[ActorNode],
        start: Callable[[ActorNode], None],
        *,
        not_before: float = 0.0,
        order: Order = Order.LEAVE,
        stay_down: bool = False,
        already_down: bool = False,
    ) -> None:
        self.members = list(members)
        self.not_before = not_before
        self.stage = Stage.BRINGING_UP if already_down else Stage.TAKING_DOWN
        self.stay_down = stay_down
        self._start = start
        self._order = order
        # What is left to do, so that a step does not look at all members again.
        self._to_stop = [] if already_down else list(self.members)
        self._to_start = deque(self.members)

    def release(self, taken: Iterable[ActorNode]) -> None:
        """Give up the actors that a newer wave has taken."""
        leaving = set(taken)
        if not leaving.isdisjoint(self.members):
            self.members = [node for node in self.members if node not in leaving]
            self._to_stop = [node for node in self._to_stop if node not in leaving]
            self._to_start = deque(node for node in self._to_start if node not in leaving)

    def takes_down(self, node: ActorNode) -> bool:
        """True if this actor is still to be taken down."""
        return self.stage is Stage.TAKING_DOWN and node in self.members

    def holds_back(self, nodes: Iterable[ActorNode]) -> bool:
        """True if one of these actors may not yet be started."""
        return self.stage in (Stage.TAKING_DOWN, Stage.PAUSING) and not set(nodes).isdisjoint(self.members)

    def advance(self) -> None:
        """Do the next step, if there is one to do now."""
        if self.stage is Stage.TAKING_DOWN and self._all_down():
            self.stage = Stage.DONE if self.stay_down else Stage.PAUSING
        if self.stage is Stage.PAUSING and trio.current_time() >= self.not_before:
            self.stage = Stage.BRINGING_UP
        if self.stage is Stage.BRINGING_UP and self._all_up():
            self.stage = Stage.DONE

    def _all_down(self) -> bool:
        while self._to_stop:
            node = self._to_stop[-1]
            if node.phase is not Phase.DOWN:
                if node.phase is not Phase.LEAVING and node.incarnation is not None:
                    node.phase = Phase.LEAVING
                    node.incarnation.leave(self._order)
                return False
            self._to_stop.pop()
        return True

    def _all_up(self) -> bool:
        while self._to_start:
            node = self._to_start[0]
            if node.phase is Phase.DOWN and not node.retired:
                if not node.children_are_down():
                    return False
                self._start(node)
            if node.phase is Phase.STARTING:
                return False
            self._to_start.popleft()
        return True


class Waves:
    """All waves that are on their way."""

    def __init__(self) -> None:
        self._waves: list[Wave] = []

    def roll(self, wave: Wave) -> None:
        """Begin a wave; it takes its actors out of the older ones."""
        for older in self._waves:
            older.release(wave.members)
        self._waves.append(wave)

    def advance(self) -> None:
        """Do the next step of each."""
        for wave in self._waves:
            wave.advance()
        self._waves = [wave for wave in self._waves if wave.stage is not Stage.DONE]

    def not_before(self, nodes: Iterable[ActorNode]) -> float:
        """Until when some of these must already wait before they may be started."""
        return max((wave.not_before for wave in self._waves if wave.holds_back(nodes)), default=0.0)

    def end_life_of(self, node: ActorNode) -> bool:
        """True if this life of the actor is over, or about to be: its children will not be in the next one."""
        owner = node.group.owner
        return (
            node.phase in (Phase.DOWN, Phase.LEAVING)
            or any(wave.takes_down(node) for wave in self._waves)
            or (owner is not None and self.end_life_of(owner))
        )
