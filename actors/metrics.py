"""What the actors count: one set of instruments for a process, kept across restarts and reloads of the actors.

Counters are of this process; what must be exact and for ever is counted by the database. `docs/telemetry.md` says what
each one means.
"""

from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

# Otherwise each counter has a second series, which says only when the process started.
disable_created_metrics()  # type: ignore[no-untyped-call]

_SECONDS: Final = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30)
_BATCH: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """The instruments and the registry that they belong to."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.commands = Counter(
            "turnpike_writer_commands", "Commands by outcome.", ["command", "outcome"], registry=registry
        )
        self.batch_commands = Histogram(
            "turnpike_writer_batch_commands",
            "Commands in one transaction.",
            buckets=_BATCH,
            registry=registry,
        )
        self.batch_seconds = Histogram(
            "turnpike_writer_batch_seconds",
            "Time for one transaction, from its first read to its commit.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.payments = Counter(
            "turnpike_payments", "Payments recorded.", ["provider", "outcome"], registry=registry
        )
        self.messages = Counter(
            "turnpike_messages", "Tries to send a message.", ["kind", "outcome"], registry=registry
        )
        self.node_users = Counter(
            "turnpike_node_users",
            "Changes of users that a node confirmed.",
            ["node", "change"],
            registry=registry,
        )
        self.node_up = Gauge(
            "turnpike_node_up", "1 if the node answered when it was last asked.", ["node"], registry=registry
        )
        self.waiting = Gauge(
            "turnpike_waiting_subscriptions", "Paid subscriptions that are on no node yet.", registry=registry
        )
        self.subscriptions = Counter(
            "turnpike_subscription_requests",
            "Requests for subscription addresses.",
            ["form", "outcome"],
            registry=registry,
        )
        self.switched_on = Gauge(
            "turnpike_function_switched_on",
            "0 while an operator has the function switched off.",
            ["function"],
            registry=registry,
        )
        ProcessCollector(registry=registry)
