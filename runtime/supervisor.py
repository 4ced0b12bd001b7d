"""The supervisor: every decision about who lives, in one loop.

News and commands queue for the loop as functions, and each is taken and carried out without an await: so decisions
never race, and a crash that comes in the middle of a restart is just the next piece of news. Waiting is done by the
incarnations and the table of timers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from math import inf
from random import Random
from typing import TYPE_CHECKING

import structlog
import trio

from .cell import State
from .errors import StartFailed, StartInterrupted, TreeFailed
from .incarnation import Ending, HowItEnded, Incarnation, Order
from .timers import Alarm
from .tree import ActorNode, GroupNode, Phase, Starter
from .wave import Stage, Wave

if TYPE_CHECKING:
    from .specs import ActorSpec
    from .system import Surroundings
    from .timers import Timers

log = structlog.get_logger("runtime")


class Supervisor:
    """Keeps the tree below `root` as it should be, until told to stop."""

    def __init__(
        self, root: GroupNode, home: Surroundings, timers: Timers, random: Random, stop_timeout: float
    ) -> None:
        self.root = root
        self.ready = False
        self._awaited = set(root.leaves())
        self._home = home
        self._timers = timers
        self._random = random
        self._stop_timeout = stop_timeout
        self._waves: list[Wave] = []
        self._shutdown: Wave | None = None
        self._failure: Exception | None = None
        # Unbounded, yet short: an incarnation is news twice, and a command waits for its answer.
        self._inbox, self._news = trio.open_memory_channel[Callable[[], None]](inf)
        self._nursery: trio.Nursery | None = None
        self._on_ready: Callable[[], None] = lambda: None

    @property
    def stopping(self) -> bool:
        """True once the tree is on its way down for good."""
        return self._shutdown is not None

    def post(self, decision: Callable[[], None]) -> None:
        """Have the loop take this decision next."""
        self._inbox.send_nowait(decision)

    async def run(self, nursery: trio.Nursery, on_ready: Callable[[], None]) -> None:
        """Start the tree, keep it, stop it. Raises StartFailed or TreeFailed after everything is down."""
        self._nursery = nursery
        self._on_ready = on_ready
        if not self.stopping:
            self._roll(Wave(self.root.leaves(), self._start, already_down=True))
        try:
            while not self._all_stopped():
                decide = await self._news.receive()
                decide()
        finally:
            # Even if cancelled from outside: who waits for an answer must not wait for ever.
            for cell in self._home.cells():
                cell.close()
        if self._failure is not None:
            raise self._failure

    # Commands, called through `post`.

    def stop(self) -> None:
        """Drain and stop everything in reverse order."""
        self._stop_everything()

    def cancel(self) -> None:
        """Stop everything now: cancel whatever still runs."""
        self._stop_everything()
        for node in self.root.leaves():
            if node.incarnation is not None:
                node.incarnation.kill(None)

    def restart(self, node: ActorNode) -> None:
        """Give the actor a new incarnation; nobody else is touched and nothing is counted."""
        owner = node.group.owner
        if not self.stopping and (owner is None or not self._is_leaving(owner)):
            node.retired = False
            node.cell.reopen()
            self._roll(Wave(node.leaves(), self._start))

    def add_child(
        self, parent: ActorNode, life: Incarnation | None, spec: ActorSpec, starter: Starter
    ) -> None:
        """Start a child below `parent`, in whose incarnation `life` it was asked for."""
        name = f"{parent.cell.name}/{spec.name}"
        if self.stopping or life is None or parent.incarnation is not life or self._is_leaving(parent):
            starter.fail(StartFailed(f"{name} was not started: {parent.cell.name} is stopping"))
        elif parent.offspring is not None and parent.offspring.has(name):
            starter.fail(ValueError(f"{name} is already there"))
        else:
            child = self._home.plant_child(parent, spec, starter)
            self._roll(Wave([child], self._start, already_down=True))

    def remove_child(self, child: ActorNode) -> None:
        """Drain and stop `child` for good."""
        child.dismissed = True
        self._roll(Wave(child.leaves(), self._start, order=Order.DRAIN, stay_down=True))
        if child.phase is Phase.DOWN:
            self._dismiss(child)

    # News.

    def _on_started(self, node: ActorNode) -> None:
        if node.phase is Phase.STARTING:
            node.phase = Phase.UP
        node.was_up = True
        if node.starter is not None:
            node.starter.succeed(node.cell)
        self._close_former_children(node)
        self._no_longer_awaited(node)

    def _on_ended(self, node: ActorNode, ending: Ending) -> None:
        told_to = node.phase is Phase.LEAVING
        node.phase = Phase.DOWN
        node.incarnation = None
        self._report(node, ending)
        node.cell.notify_watchers(ending.how is HowItEnded.CRASHED, ending.reason)
        self._let_go_of_children(node)
        owner = node.group.owner
        if self.stopping:
            node.cell.close()
        elif node.dismissed:
            self._dismiss(node)
        elif owner is not None and self._is_leaving(owner):
            node.group.let_go(node)
        elif told_to:
            self._after_leaving(node)
        elif not ending.started and not node.was_up and (node.starter is not None or not self.ready):
            self._give_up_start(node, ending)
        elif node.spec.restart == "permanent" or (
            node.spec.restart == "transient" and ending.how is not HowItEnded.FINISHED
        ):
            self._failed(node, node.group, ending)
        else:
            self._retire(node)
        if node.starter is not None:
            failure = StartFailed(f"{node.cell.name} did not start: {ending.reason}")
            failure.__cause__ = ending.error
            node.starter.fail(failure)

    # Decisions.

    def _start(self, node: ActorNode) -> None:
        assert self._nursery is not None
        node.phase = Phase.STARTING
        node.cell.state = State.STARTING
        incarnation = Incarnation(
            node.cell, node.spec, self._home, partial(self.post, partial(self._on_started, node))
        )
        node.incarnation = incarnation
        self._nursery.start_soon(
            incarnation.live,
            lambda ending: self.post(partial(self._on_ended, node, ending)),
            name=node.cell.name,
        )

    def _failed(self, child: ActorNode | GroupNode, group: GroupNode, ending: Ending) -> None:
        """Restart whom the group's strategy says, or let the failure climb."""
        now = trio.current_time()
        if group.window.exceeded(now):
            self._escalate(group, ending)
            return
        delay = child.backoff.failed(ending.uptime, ending.handled, self._random)
        affected = group.affected_by(child)
        for node in affected:
            node.cell.counters.restarts += 1
            if node.phase is Phase.DOWN:
                node.cell.state = State.BACKOFF
        log.info("restarting", actors=[node.cell.name for node in affected], delay=round(delay, 3))
        not_before = max(now + delay, self._patience(affected))
        self._roll(Wave(affected, self._start, not_before=not_before))

    def _escalate(self, group: GroupNode, ending: Ending) -> None:
        reason = f"the actors of {group.name} failed too often, last: {ending.reason}"
        log.error("too many restarts", group=group.name, reason=ending.reason)
        if group.owner is not None:
            if group.owner.incarnation is not None:
                group.owner.incarnation.kill(TreeFailed(reason))
        elif group.parent is not None:
            self._failed(group, group.parent, ending)
        else:
            self._failure = self._failure or TreeFailed(reason)
            self._stop_everything()

    def _after_leaving(self, node: ActorNode) -> None:
        if node.spec.restart == "temporary":
            self._retire(node)
        else:
            node.cell.state = State.BACKOFF

    def _retire(self, node: ActorNode) -> None:
        node.retired = True
        node.cell.close()
        self._no_longer_awaited(node)
        if node.offspring is not None:
            for child in tuple(node.offspring.leaves()):
                self.remove_child(child)
        self._close_former_children(node)
        if node.group.owner is not None:
            self._dismiss(node)

    def _dismiss(self, node: ActorNode) -> None:
        """A child that is not needed any more leaves the tree."""
        node.retired = True
        node.cell.close()
        if node in node.group.children:
            node.group.children.remove(node)
        self._home.forget(node.cell)
        node.gone.set()

    def _let_go_of_children(self, node: ActorNode) -> None:
        """Those that are down leave the tree now, the others when they are; what was queued for them is kept."""
        if node.offspring is not None:
            for child in tuple(node.offspring.leaves()):
                if child.phase is Phase.DOWN:
                    child.group.let_go(child)

    def _close_former_children(self, node: ActorNode) -> None:
        if node.offspring is not None:
            for child in node.offspring.take_former():
                child.cell.close()
                self._home.forget(child.cell)

    def _no_longer_awaited(self, node: ActorNode) -> None:
        """The tree has started when each of its actors once has, or has ended for good before that."""
        self._awaited.discard(node)
        if not self.ready and not self._awaited:
            self.ready = True
            self._on_ready()

    def _give_up_start(self, node: ActorNode, ending: Ending) -> None:
        if node.starter is not None:
            self._dismiss(node)
            return
        up = [leaf.cell.name for leaf in self.root.leaves() if leaf.phase is Phase.UP]
        undone = f"; stopped again: {', '.join(reversed(up))}" if up else ""
        self._failure = StartFailed(f"{node.cell.name} did not start: {ending.reason}{undone}")
        self._failure.__cause__ = ending.error
        self._stop_everything()

    def _stop_everything(self) -> None:
        if self._shutdown is not None:
            return
        if not self.ready and self._failure is None:
            self._failure = StartInterrupted("a stop was requested before everything had started")
        self._shutdown = Wave(self.root.leaves(), self._start, order=Order.DRAIN, stay_down=True)
        self._roll(self._shutdown)
        self._timers.add(trio.current_time() + self._stop_timeout, Alarm(partial(self.post, self.cancel)))

    # Waves.

    def _roll(self, wave: Wave) -> None:
        for older in self._waves:
            older.release(wave.members)
        self._waves.append(wave)
        if wave.not_before > trio.current_time():
            self._timers.add(wave.not_before, Alarm(partial(self.post, lambda: None)))

    def _is_leaving(self, node: ActorNode) -> bool:
        """True if this life of the actor is over, or about to be: its children will not be in the next one."""
        owner = node.group.owner
        return (
            node.phase in (Phase.DOWN, Phase.LEAVING)
            or any(wave.takes_down(node) for wave in self._waves)
            or (owner is not None and self._is_leaving(owner))
        )

    def _patience(self, nodes: Iterable[ActorNode]) -> float:
        """Until when some of these must already wait before they may be started."""
        waiting = [wave.not_before for wave in self._waves if wave.holds_back(nodes)]
        return max(waiting, default=0.0)

    def _all_stopped(self) -> bool:
        for wave in self._waves:
            wave.advance()
        self._waves = [wave for wave in self._waves if wave.stage is not Stage.DONE]
        return self._shutdown is not None and self._shutdown.stage is Stage.DONE

    def _report(self, node: ActorNode, ending: Ending) -> None:
        """Each death is told once, here; but one that keeps the tree from starting is told by StartFailed."""
        name = node.cell.name
        if ending.how is HowItEnded.CRASHED and not ending.started and not self.ready:
            log.info("actor did not start", actor=name, reason=ending.reason)
        elif ending.how is HowItEnded.CRASHED:
            node.cell.last_error = ending.reason
            log.error(
                "actor crashed",
                actor=name,
                reason=ending.reason,
                started=ending.started,
                incarnation=node.cell.counters.incarnations,
                message=ending.message,
                chain=list(ending.chain),
                exc_info=ending.error,
            )
        elif ending.how is HowItEnded.CANCELLED:
            log.warning(
                "actor was cancelled", actor=name, stop_timeout=node.spec.stop_timeout, message=ending.message
            )
        else:
            log.info("actor stopped", actor=name)
