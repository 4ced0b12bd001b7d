"""The supervisor: every decision about who lives, in one loop.

News and commands queue for the loop as functions, and each is taken and carried out without an await: so decisions
never race, and a crash that comes in the middle of a restart is just the next piece of news. Waiting is done by the
incarnations and the table of timers.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from math import inf
from random import Random
from typing import TYPE_CHECKING

import trio

from . import reports
from .cell import State
from .ending import Ending, HowItEnded
from .errors import ReloadFailed, StartFailed, StartInterrupted, TreeFailed
from .families import Families
from .incarnation import Incarnation, Order
from .timers import Alarm
from .tree import ActorNode, GroupNode, Phase, Starter, Trial
from .wave import Stage, Wave, Waves

if TYPE_CHECKING:
    from .specs import ActorSpec
    from .surroundings import Surroundings
    from .timers import Timers


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
        self._waves = Waves()
        self._families = Families(home.forget)
        self._shutdown: Wave | None = None
        self._failure: Exception | None = None
        self._over = False
        # Unbounded, yet short: an incarnation is news twice, and a command waits for its answer.
        self._inbox, self._news = trio.open_memory_channel[Callable[[], None]](inf)
        self._nursery: trio.Nursery | None = None
        self._on_ready: Callable[[], None] = lambda: None

    @property
    def stopping(self) -> bool:
        """True once the tree is on its way down for good."""
        return self._shutdown is not None

    def post(self, decision: Callable[[], None]) -> None:
        """Have the loop take this decision next; when the loop has ended, nobody is left to race with."""
        if self._over:
            decision()
        else:
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
            self._stop_everything()
            self._over = True
            with suppress(trio.WouldBlock):
                while True:
                    self._news.receive_nowait()()
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

    def restart(self, node: ActorNode, trial: Trial | None = None) -> None:
        """Give the actor a new incarnation, perhaps of new code; nobody else is touched and nothing is counted."""
        owner = node.group.owner
        refused = self.stopping or (owner is not None and self._waves.end_life_of(owner))
        if trial is not None:
            if refused or node.trial is not None:
                trial.end(ReloadFailed("it is being stopped or reloaded already"))
                return
            node.trial, node.spec = trial, trial.new
        if not refused:
            node.retired = False
            node.cell.reopen()
            self._roll(Wave(node.leaves(), self._start))

    def add_child(
        self, parent: ActorNode, life: Incarnation | None, spec: ActorSpec, starter: Starter
    ) -> None:
        """Start a child below `parent`, in whose incarnation `life` it was asked for."""
        name = f"{parent.cell.name}/{spec.name}"
        if self.stopping or life is None or parent.incarnation is not life or self._waves.end_life_of(parent):
            starter.fail(StartFailed(f"{name} was not started: {parent.cell.name} is stopping"))
        elif parent.offspring is not None and parent.offspring.has(name):
            starter.fail(ValueError(f"{name} is already there"))
        else:
            child = self._home.plant_child(parent, spec, starter)
            self._roll(Wave([child], self._start, already_down=True))

    def remove_child(self, child: ActorNode) -> None:
        """Drain and stop `child` for good, with the children that it has."""
        family = list(child.leaves())
        for node in family:
            node.dismissed = True
        self._roll(Wave(family, self._start, order=Order.DRAIN, stay_down=True))
        for node in family:
            if node.phase is Phase.DOWN:
                self._families.leave(node)

    # News.

    def _on_started(self, node: ActorNode) -> None:
        if node.phase is Phase.STARTING:
            node.phase = Phase.UP
        node.was_up = True
        if node.starter is not None:
            node.starter.succeed(node.cell)
        if node.trial is not None:
            node.trial.end()
            node.trial = None
        self._families.close_former(node)
        self._no_longer_awaited(node)

    def _on_ended(self, node: ActorNode, ending: Ending) -> None:
        told_to = node.phase is Phase.LEAVING
        node.phase = Phase.DOWN
        node.incarnation = None
        if ending.how is HowItEnded.CRASHED:
            node.cell.last_error = ending.reason
        reports.death(node.cell, ending, node.spec.stop_timeout, self.ready)
        node.cell.notify_watchers(ending.how is HowItEnded.CRASHED, ending.reason)
        self._families.children_leave(node)
        owner = node.group.owner
        if node.trial is not None and (self.stopping or not (told_to or ending.started)):
            self._give_up_trial(node, node.trial, ending)
        elif self.stopping:
            node.cell.close()
        elif node.dismissed or (owner is not None and self._waves.end_life_of(owner)):
            self._families.leave(node)
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
        affected = [node for node in group.affected_by(child) if not node.retired]
        for node in affected:
            node.cell.counters.restarts += 1
            if node.phase is Phase.DOWN:
                node.cell.state = State.BACKOFF
        reports.restart([node.cell.name for node in affected], delay)
        not_before = max(now + delay, self._waves.not_before(affected))
        self._roll(Wave(affected, self._start, not_before=not_before))

    def _escalate(self, group: GroupNode, ending: Ending) -> None:
        reason = f"the actors of {group.name} failed too often, last: {ending.reason}"
        reports.too_many_restarts(group.name, ending.reason)
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
        self._families.close_former(node)
        if node.group.owner is not None:
            node.dismissed = True
            self._families.leave(node)

    def _no_longer_awaited(self, node: ActorNode) -> None:
        """The tree has started when each of its actors once has, or has ended for good before that."""
        self._awaited.discard(node)
        if not self.ready and not self._awaited:
            self.ready = True
            self._on_ready()

    def _give_up_start(self, node: ActorNode, ending: Ending) -> None:
        if node.starter is not None:
            node.dismissed = True
            self._families.leave(node)
            return
        up = [leaf.cell.name for leaf in self.root.leaves() if leaf.phase is Phase.UP]
        undone = f"; stopped again: {', '.join(reversed(up))}" if up else ""
        self._failure = StartFailed(f"{node.cell.name} did not start: {ending.reason}{undone}")
        self._failure.__cause__ = ending.error
        self._stop_everything()

    def _give_up_trial(self, node: ActorNode, trial: Trial, ending: Ending) -> None:
        node.trial, node.spec = None, trial.old
        trial.end(ReloadFailed(f"the new code did not start: {ending.reason}"))
        if self.stopping:
            node.cell.close()
        else:
            self._roll(Wave([node], self._start, already_down=True))

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
        self._waves.roll(wave)
        if wave.not_before > trio.current_time():
            self._timers.add(wave.not_before, Alarm(partial(self.post, lambda: None)))

    def _all_stopped(self) -> bool:
        self._waves.advance()
        return self._shutdown is not None and self._shutdown.stage is Stage.DONE
