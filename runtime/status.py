"""What an operator sees: a frozen picture of the tree, plain values only, so it can be printed or sent as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec
import trio

from .alerts import NOTHING_DONE
from .buckets import distribution
from .cell import Cell
from .duty import Duty
from .tree import ActorNode, GroupNode


class WorkerStatus(msgspec.Struct, frozen=True):
    """What a worker adds. `due` and `done` are of its last tick; `aside` counts the rows that failed and wait."""

    switched_on: bool
    last_run: datetime | None
    last_seconds: float | None
    next_run: datetime | None
    due: int | None
    done: int | None
    aside: int
    alert: str | None


class ActorStatus(msgspec.Struct, frozen=True, tag="actor", tag_field="kind"):
    """One actor. Times are in seconds; ages are None where there is nothing to be old."""

    name: str
    state: str
    state_age: float | None
    suspended: bool
    incarnations: int
    restarts: int
    queued: int
    capacity: int
    oldest_age: float | None
    message: str | None
    busy_age: float | None
    accepted: int
    handled: int
    unanswered: int
    crashed: int
    skipped: int
    expired: int
    undelivered: int
    refused: int
    coalesced: int
    busy_seconds: float
    queue_seconds: float
    busy_times: tuple[int, ...]
    """How many turns (a message or a batch each) took how long: a number for each of `runtime.buckets.BOUNDS`, and one
    for more than the last."""
    queue_times: tuple[int, ...]
    """Likewise, how long messages were queued before they were begun."""
    last_error: str | None
    alerts: dict[str, str] = {}
    """What needs an operator: a sentence by the kind of alert (`runtime.alerts`)."""
    worker: WorkerStatus | None = None
    children: tuple[ActorStatus, ...] = ()

    def below(self) -> Iterator[ActorStatus]:
        """This actor and the children that it and they have started."""
        yield self
        for child in self.children:
            yield from child.below()


class GroupStatus(msgspec.Struct, frozen=True, tag="group", tag_field="kind"):
    """One group."""

    name: str
    strategy: str
    children: tuple[ActorStatus | GroupStatus, ...]

    def actors(self) -> Iterator[ActorStatus]:
        """Every actor below, children started at run time included."""
        for child in self.children:
            if isinstance(child, GroupStatus):
                yield from child.actors()
            else:
                yield from child.below()


def group_status(group: GroupNode) -> GroupStatus:
    """The picture of a group as it is now."""
    children = tuple(
        actor_status(child) if isinstance(child, ActorNode) else group_status(child)
        for child in group.children
    )
    return GroupStatus(group.name, group.strategy, children)


def actor_status(node: ActorNode) -> ActorStatus:
    """The picture of an actor as it is now."""
    children: tuple[ActorStatus, ...] = ()
    if node.offspring is not None:
        children = tuple(
            actor_status(child) for child in node.offspring.children if isinstance(child, ActorNode)
        )
    return cell_status(node.cell, children)


def worker_status(duty: Duty, alerts: Mapping[str, str]) -> WorkerStatus:
    return WorkerStatus(
        switched_on=duty.switched_on,
        last_run=duty.last_run,
        last_seconds=duty.last_seconds,
        next_run=duty.next_run,
        due=None if duty.last is None else duty.last.due,
        done=None if duty.last is None else duty.last.done,
        aside=len(duty.aside),
        alert=alerts.get(NOTHING_DONE),
    )


def cell_status(cell: Cell, children: tuple[ActorStatus, ...]) -> ActorStatus:
    now = trio.current_time()
    mailbox, counters = cell.mailbox, cell.counters
    oldest = mailbox.oldest()
    alerts = cell.exchange.alerts.of(cell.name)
    in_hand = cell.in_hand[0] if cell.in_hand else None
    return ActorStatus(
        name=cell.name,
        state=cell.state.value,
        state_age=None if cell.state_since is None else now - cell.state_since,
        suspended=cell.suspended,
        incarnations=counters.incarnations,
        restarts=counters.restarts,
        queued=len(mailbox),
        capacity=mailbox.capacity,
        oldest_age=None if oldest is None else now - oldest.queued_at,
        message=None if in_hand is None else type(in_hand.message).__name__,
        busy_age=None if in_hand is None else now - cell.busy_since,
        accepted=counters.accepted,
        handled=counters.handled,
        unanswered=counters.unanswered,
        crashed=counters.crashed,
        skipped=counters.skipped,
        expired=counters.expired,
        undelivered=counters.undelivered,
        refused=mailbox.refused,
        coalesced=mailbox.coalesced,
        busy_seconds=counters.busy_seconds,
        queue_seconds=counters.queue_seconds,
        busy_times=distribution(counters.turns, counters.slow_turns),
        queue_times=distribution(
            counters.handled + counters.crashed + len(cell.in_hand), counters.slow_waits
        ),
        last_error=cell.last_error,
        alerts=alerts,
        worker=None if cell.duty is None else worker_status(cell.duty, alerts),
        children=children,
    )
