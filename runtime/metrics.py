"""The runtime in numbers, in the form that Prometheus scrapes.

The runtime only counts, in plain attributes; here a frozen picture of the tree becomes metric families. That takes
milliseconds, so it belongs into a thread. Nothing else in the package needs this module or its library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Final

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from .alerts import MAILBOX_GROWS
from .buckets import BOUNDS
from .cell import State
from .status import ActorStatus, GroupStatus, WorkerStatus

_LIMITS: Final = [*(f"{bound:g}" for bound in BOUNDS), "+Inf"]

_FATES: Final[dict[str, Callable[[ActorStatus], int]]] = {
    "handled": lambda actor: actor.handled - actor.unanswered,
    "unanswered": lambda actor: actor.unanswered,
    "crashed": lambda actor: actor.crashed,
    "expired": lambda actor: actor.expired,
    "skipped": lambda actor: actor.skipped - actor.expired,
    "undelivered": lambda actor: actor.undelivered,
    "refused": lambda actor: actor.refused,
    "coalesced": lambda actor: actor.coalesced,
}

_GAUGES: Final[list[tuple[str, str, Callable[[ActorStatus], float]]]] = [
    ("incarnation", "Which life the actor is in, counted from 1.", lambda actor: actor.incarnations),
    ("mailbox_depth", "Messages that wait.", lambda actor: actor.queued),
    ("mailbox_oldest_seconds", "Age of the oldest message that waits.", lambda actor: actor.oldest_age or 0),
    (
        "mailbox_grows",
        "1 while more is asked of the actor than it does.",
        lambda actor: MAILBOX_GROWS in actor.alerts,
    ),
    ("in_hand_seconds", "Age of the work in hand.", lambda actor: actor.busy_age or 0),
    ("up", "1 while the actor takes messages.", lambda actor: actor.state == State.RUNNING.value),
]


_WORKER_GAUGES: Final[list[tuple[str, str, Callable[[WorkerStatus], float | None]]]] = [
    (
        "last_run_timestamp_seconds",
        "When the last tick began.",
        lambda worker: None if worker.last_run is None else worker.last_run.timestamp(),
    ),
    ("rows_aside", "Rows that failed and wait to be tried again.", lambda worker: worker.aside),
    ("alert", "1 while rows are due and none is dealt with.", lambda worker: worker.alert is not None),
    ("switched_on", "0 while the kill switch is off.", lambda worker: worker.switched_on),
]


def tree_metrics(tree: GroupStatus, prefix: str) -> Iterator[Metric]:
    """The metric families of every actor in a picture of the tree; their names begin with the prefix."""
    actors = list(tree.actors())
    yield from _counters(actors, prefix)
    yield from _gauges(actors, prefix)
    yield from _histograms(actors, prefix)
    yield from _worker_gauges(actors, prefix)


def _counters(actors: Sequence[ActorStatus], prefix: str) -> Iterator[Metric]:
    messages = CounterMetricFamily(
        f"{prefix}_actor_messages", "Messages by what became of them.", labels=["actor", "fate"]
    )
    restarts = CounterMetricFamily(f"{prefix}_actor_restarts", "Restarts after a crash.", labels=["actor"])
    for actor in actors:
        restarts.add_metric([actor.name], actor.restarts)
        for fate, count in _FATES.items():
            messages.add_metric([actor.name, fate], count(actor))
    yield from (messages, restarts)


def _gauges(actors: Sequence[ActorStatus], prefix: str) -> Iterator[Metric]:
    for name, text, value in _GAUGES:
        gauge = GaugeMetricFamily(f"{prefix}_actor_{name}", text, labels=["actor"])
        for actor in actors:
            gauge.add_metric([actor.name], value(actor))
        yield gauge


def _histograms(actors: Sequence[ActorStatus], prefix: str) -> Iterator[Metric]:
    busy = HistogramMetricFamily(
        f"{prefix}_actor_busy_seconds", "Time for one message, or one batch of them.", labels=["actor"]
    )
    queue = HistogramMetricFamily(
        f"{prefix}_actor_queue_seconds",
        "Time that a message was queued before it was begun.",
        labels=["actor"],
    )
    for actor in actors:
        busy.add_metric([actor.name], _buckets(actor.busy_times), actor.busy_seconds)
        queue.add_metric([actor.name], _buckets(actor.queue_times), actor.queue_seconds)
    yield from (busy, queue)


def _worker_gauges(actors: Sequence[ActorStatus], prefix: str) -> Iterator[Metric]:
    for name, text, value in _WORKER_GAUGES:
        gauge = GaugeMetricFamily(f"{prefix}_worker_{name}", text, labels=["actor"])
        for actor in actors:
            if actor.worker is not None and (number := value(actor.worker)) is not None:
                gauge.add_metric([actor.name], number)
        yield gauge


def _buckets(counts: Sequence[int]) -> list[tuple[str, float]]:
    """Prometheus counts what is at most each limit; we count what lies between two."""
    return list(zip(_LIMITS, accumulate(counts), strict=True))
