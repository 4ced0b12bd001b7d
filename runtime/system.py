"""A system: one tree of actors in one process, from its specification to its orderly end.

system = System(root, clock=SystemClock())
async with trio.open_nursery() as nursery:
    nursery.start_soon(watch_signals, system)
    await nursery.start(system.run)             # every actor has started, or StartFailed says why not
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from random import Random

import structlog
import trio

from .clock import Clock
from .errors import ReloadFailed, UnknownActor
from .fresh import GENERATION, forget, fresh_factory, lost_messages, module_of
from .ref import Ref
from .reports import stack_of
from .specs import ActorSpec, GroupSpec, changed, check_names
from .status import GroupStatus, group_status
from .supervisor import Supervisor
from .surroundings import Surroundings
from .switching import flip
from .tap import Passage, Tap
from .tree import ActorNode, Trial

log = structlog.get_logger("runtime")

STOP_TIMEOUT = 25.0
"""Seconds for the drain of the whole tree; then everything that is left is cancelled."""

GONE_TIMEOUT_MARGIN = 5.0
"""Seconds beyond its own stop timeout that a dismissed child may take."""


class System:
    """A tree of actors. Made outside or inside of Trio; runs once."""

    def __init__(
        self, root: GroupSpec, *, clock: Clock, stop_timeout: float = STOP_TIMEOUT, seed: int | None = None
    ) -> None:
        """Plant the tree; nothing is started. Raises ConfigError for a name that is used twice.

        `seed` makes the jitter of restarts repeatable.
        """
        check_names(root)
        self.stopped = trio.Event()
        self._root = root
        self._surroundings = Surroundings(root, clock)
        self._supervisor = Supervisor(
            self._surroundings.root,
            self._surroundings,
            self._surroundings.exchange.timers,
            Random(seed),
            stop_timeout,
        )
        self._surroundings.supervisor = self._supervisor

    async def run(self, *, task_status: trio.TaskStatus[System] = trio.TASK_STATUS_IGNORED) -> None:
        """Start everything in order, keep it running, and return when it was stopped in reverse order.

        Raises StartFailed if an actor does not start (what had started is stopped again), StartInterrupted if a
        stop was requested before, TreeFailed if restarting did not help. Cancelled from outside, it does not drain.
        """
        failure: Exception | None = None
        try:
            async with trio.open_nursery() as nursery:
                exchange = self._surroundings.exchange
                exchange.boot = f"{int(self._surroundings.clock.now().timestamp()):x}"
                exchange.now = trio.lowlevel.current_clock().current_time
                nursery.start_soon(exchange.timers.run)
                try:
                    await self._supervisor.run(nursery, partial(task_status.started, self))
                except Exception as error:
                    failure = error
                nursery.cancel_scope.cancel()
        finally:
            self.stopped.set()
        if failure is not None:
            raise failure

    def ref(self, name: str) -> Ref:
        """The address of an actor. Raises UnknownActor."""
        return Ref(self._surroundings.find(name))

    def request_stop(self) -> None:
        """Drain and stop everything in reverse order; `run` returns when that is done."""
        self._supervisor.post(self._supervisor.stop)

    def cancel(self) -> None:
        """Stop now: whatever still runs is cancelled."""
        self._supervisor.post(self._supervisor.cancel)

    def request_restart(self, name: str) -> None:
        """Give an actor a new incarnation after the message in hand; its queue is kept. Raises UnknownActor."""
        self._supervisor.post(partial(self._supervisor.restart, self._surroundings.node(name)))

    async def restart(self, name: str) -> None:
        """The same, and return when it has started. Raises UnknownActor, and ReloadFailed if it does not start."""
        node = self._surroundings.node(name)
        await self._try(node, node.spec)

    async def restart_workers(self) -> None:
        """Restart the workers one after another; one that does not start again is reported and left to its backoff."""
        for status in self.status().actors():
            if status.worker is not None:
                with suppress(ReloadFailed, UnknownActor):
                    await self.restart(status.name)

    async def reload(self, name: str) -> None:
        """Restart an actor with its module's source as it is now; its queue is kept, and nobody else is touched.

        Returns when the new code has started. Raises UnknownActor, and ReloadFailed if the new code does not import,
        does not know the type of a message that is queued, or does not start: then the old code goes on.
        """
        node = self._surroundings.node(name)
        old = node.spec
        try:
            factory = await fresh_factory(old.factory)
            if lost := lost_messages(old.factory, factory) & node.cell.mailbox.kinds():
                forget(module_of(factory))
                names = ", ".join(sorted(kind.__name__ for kind in lost))
                raise ReloadFailed(f"the new code does not know {names}, and such messages are queued")
        except ReloadFailed as error:
            raise self._not_reloaded(name, error) from error
        await self._try(node, replace(old, factory=factory))
        forget(module_of(old.factory))

    async def reconfigure(self, root: GroupSpec) -> list[str]:
        """Restart the actors whose specification is another in `root`, one after another, and return their names.

        The new tree is taken whole or not at all: raises ConfigError, and nothing has changed, if its shape or the size
        of a mailbox is another, because that needs a new process. Raises ReloadFailed for the first actor that does not
        start with its new specification; that one goes on with the old one.
        """
        changes = list(changed(self._root, root))
        for new in changes:
            node = self._surroundings.node(new.name)
            if GENERATION.search(module_of(node.spec.factory)):
                new = replace(new, factory=await fresh_factory(new.factory))
            await self._try(node, new)
        self._root = root
        return [new.name for new in changes]

    async def _try(self, node: ActorNode, spec: ActorSpec) -> None:
        trial = Trial(node.spec, spec)
        self._supervisor.post(partial(self._supervisor.restart, node, trial))
        try:
            await trial.wait()
        except ReloadFailed as error:
            raise self._not_reloaded(node.cell.name, error) from error
        log.info("reloaded", actor=node.cell.name)

    def _not_reloaded(self, name: str, reason: ReloadFailed) -> ReloadFailed:
        log.error("not reloaded", actor=name, reason=str(reason))
        return ReloadFailed(f"{name} was not reloaded, its old code goes on: {reason}")

    def killer(self, name: str, reason: Exception) -> Callable[[], None]:
        """A function that crashes the actor's present life for `reason`; for tests. Raises UnknownActor."""
        node = self._surroundings.node(name)

        def kill() -> None:
            if node.incarnation is not None:
                node.incarnation.kill(reason)

        return kill

    def suspend(self, name: str) -> None:
        """Let an actor take no message after the one in hand, until resumed, even restarted. Raises UnknownActor."""
        self._set_suspended(name, True)

    def resume(self, name: str) -> None:
        """End a suspension. Raises UnknownActor."""
        self._set_suspended(name, False)

    def switch(self, name: str, on: bool) -> None:
        """Flip a worker's kill switch: off, it does not tick, and a tick that runs ends at the next row; on, it ticks.

        Raises UnknownActor, and ValueError for an actor that is not a worker.
        """
        flip(self._surroundings.find(name), on)

    @contextmanager
    def trace(self, name: str) -> Iterator[trio.MemoryReceiveChannel[Passage]]:
        """Tell of each message that passes through an actor, as long as the block lasts. Raises UnknownActor.

        Who does not read in time misses some, and is told how many; the actor never waits.
        """
        cell = self._surroundings.find(name)
        tap = Tap(self._surroundings.clock, cell.exchange.trace_of)
        cell.taps += (tap,)
        log.info("traced", actor=name)
        try:
            yield tap.passages
        finally:
            cell.taps = tuple(each for each in cell.taps if each is not tap)
            tap.close()

    @property
    def clock(self) -> Clock:
        """Time of day, as the actors see it."""
        return self._surroundings.clock

    @property
    def stopping(self) -> bool:
        """True once a stop was requested or the tree has failed."""
        return self._supervisor.stopping

    def status(self) -> GroupStatus:
        """The tree as it is now."""
        return group_status(self._surroundings.root)

    def stacks(self) -> dict[str, str]:
        """Where each actor's task waits."""
        return {
            cell.name: stack_of(cell.task) for cell in self._surroundings.cells() if cell.task is not None
        }

    def _set_suspended(self, name: str, suspended: bool) -> None:
        node = self._surroundings.node(name)
        node.cell.suspended = suspended
        log.info("suspended" if suspended else "resumed", actor=name)
        if node.incarnation is not None:
            node.incarnation.wake()
