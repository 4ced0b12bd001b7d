"""A system: one tree of actors in one process, from its specification to its orderly end.

system = System(root, clock=SystemClock())
async with trio.open_nursery() as nursery:
    nursery.start_soon(watch_signals, system)
    await nursery.start(system.run)             # every actor has started, or StartFailed says why not
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from random import Random
from weakref import WeakValueDictionary

import structlog
import trio

from .cell import Cell, Exchange
from .clock import Clock
from .errors import ReloadFailed, UnknownActor
from .fresh import forget, fresh_factory, module_of
from .messages import Tick
from .names import did_you_mean
from .ref import Ref
from .specs import ActorSpec, GroupSpec, Intensity, check_names
from .status import GroupStatus, group_status
from .supervisor import Supervisor
from .tree import ActorNode, GroupNode, Starter, Trial, plant

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
                self._surroundings.boot = f"{int(self._surroundings.clock.now().timestamp()):x}"
                self._surroundings.exchange.now = trio.lowlevel.current_clock().current_time
                nursery.start_soon(self._surroundings.exchange.timers.run)
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

    def restart(self, name: str) -> None:
        """Give an actor a new incarnation after the message in hand; its queue is kept. Raises UnknownActor."""
        self._supervisor.post(partial(self._supervisor.restart, self._surroundings.node(name)))

    async def reload(self, name: str) -> None:
        """Restart an actor with its module's source as it is now; its queue is kept, and nobody else is touched.

        Returns when the new code has started. Raises UnknownActor, and ReloadFailed if the new code does not import or
        does not start: then the old code goes on.
        """
        node = self._surroundings.node(name)
        try:
            factory = await fresh_factory(node.spec.factory)
            trial = Trial(node.spec, replace(node.spec, factory=factory))
            self._supervisor.post(partial(self._supervisor.restart, node, trial))
            await trial.wait()
        except ReloadFailed as error:
            log.error("not reloaded, the old code goes on", actor=name, reason=str(error))
            raise ReloadFailed(f"{name} was not reloaded, its old code goes on: {error}") from error
        forget(module_of(trial.old.factory))
        log.info("reloaded", actor=name)

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
        duty = self._surroundings.find(name).duty
        if duty is None:
            raise ValueError(f"{name} has no switch: it is not a worker, or has not started yet")
        duty.switched_on = on
        if on:
            self.ref(name).cast(Tick())
        log.warning("switched on" if on else "switched off", actor=name)

    @property
    def stopping(self) -> bool:
        """True once a stop was requested or the tree has failed."""
        return self._supervisor.stopping

    def status(self) -> GroupStatus:
        """The tree as it is now."""
        return group_status(self._surroundings.root)

    def _set_suspended(self, name: str, suspended: bool) -> None:
        node = self._surroundings.node(name)
        node.cell.suspended = suspended
        log.info("suspended" if suspended else "resumed", actor=name)
        if node.incarnation is not None:
            node.incarnation.wake()


class Surroundings:
    """What incarnations and the supervisor find around them: names, time, children, and where to report."""

    supervisor: Supervisor

    def __init__(self, root: GroupSpec, clock: Clock) -> None:
        self.exchange = Exchange()
        self.boot = "0"
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

    def trace_of(self, root: int) -> str:
        """The causal id of everything that followed from the message with this serial; unique across restarts."""
        return f"{self.boot}-{root}"

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
