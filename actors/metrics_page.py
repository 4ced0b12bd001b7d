"""The page that Prometheus reads: what the runtime, the actors and the loop counted, and what waits in the database.

It has a listener of its own on loopback, so no mistake in a route or a proxy can show it to the public. It is no actor:
it must answer above all while the actors are in trouble.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

import trio
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from actors.environment import Environment
from actors.reading import DatabaseAway
from integrations.http_server import serve
from runtime import Clock, System
from runtime.metrics import tree_metrics
from runtime.watchdog import Turns

_LOOPBACK: Final = "127.0.0.1"

#: Seconds for the database's part; Prometheus itself waits ten.
_DATABASE_SECONDS: Final = 5.0

_READER: Final = "metrics"

_WAITING: Final = """
    SELECT (SELECT count(*) FROM outbox WHERE state IN ('pending', 'sending')) AS messages,
        (SELECT min(created_at) FROM outbox WHERE state IN ('pending', 'sending')) AS oldest_message,
        (SELECT count(*) FROM updates WHERE done_at IS NULL) AS updates
"""

_UNCONFIRMED: Final = """
    SELECT nodes.name AS node, count(g.subscription_id) AS grants
    FROM unnest(%s::text[]) AS nodes (name) CROSS JOIN grants g
        LEFT JOIN provisions p ON p.subscription_id = g.subscription_id AND p.node = nodes.name
    WHERE p.version IS DISTINCT FROM g.version
    GROUP BY nodes.name
"""


_MOVED: Final = """
    SELECT node, sum(up)::bigint AS up, sum(down)::bigint AS down FROM node_usage GROUP BY node ORDER BY node LIMIT 1000
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What has been decided and not been done yet."""

    messages: int
    oldest_message: datetime | None
    updates: int


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """How many grants a node has not confirmed."""

    node: str
    grants: int


@dataclass(frozen=True, slots=True)
class Moved:
    """Bytes that people moved on a node, to the world and to them."""

    node: str
    up: int
    down: int


class _Scrape(Collector):
    """The families of one scrape, as the encoder wants to be given them."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        return self._families


@asynccontextmanager
async def open_metrics_page(
    environment: Environment, system: System, turns: Turns, clock: Clock
) -> AsyncIterator[int | None]:
    """Serve the page during the block if the configuration asks for it; gives the port.

    Raises `CannotListen` with one sentence.
    """
    settings = environment.configuration.settings.metrics
    if settings is None:
        yield None
        return
    page = MetricsPage(environment, system, turns, clock)
    app = Starlette(routes=[Route("/metrics", page.answer)])
    async with trio.open_nursery() as nursery:
        yield await nursery.start(
            partial(serve, app, host=_LOOPBACK, port=settings.port, name="the metrics page")
        )
        nursery.cancel_scope.cancel()


class MetricsPage:
    """Answers a scrape."""

    def __init__(self, environment: Environment, system: System, turns: Turns, clock: Clock) -> None:
        self._environment = environment
        self._system = system
        self._turns = turns
        self._clock = clock

    async def answer(self, request: Request) -> Response:
        """Everything, in the format that the client asks for; the database's part is left out while it is away."""
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        tree = self._system.status()
        names = [actor.name.split("/") for actor in tree.actors()]
        nodes = [path[1] for path in names if path[0] == "vpn" and len(path) == 2]
        waiting = await self._waiting(nodes)
        families = partial(self._families, waiting)

        def render() -> bytes:
            return encode(_Scrape([*tree_metrics(tree, "turnpike"), *families()]))

        body = await trio.to_thread.run_sync(render)
        return Response(body, media_type=content_type)

    def _families(self, waiting: list[Metric]) -> Iterator[Metric]:
        yield from self._environment.metrics.registry.collect()
        yield from self._loop()
        yield GaugeMetricFamily(
            "turnpike_database_up", "1 if the database answered this scrape.", bool(waiting)
        )
        yield from waiting

    def _loop(self) -> Iterator[Metric]:
        yield CounterMetricFamily(
            "turnpike_loop_held", "Times that the loop was held for longer than 50 ms.", self._turns.breaches
        )
        yield GaugeMetricFamily(
            "turnpike_loop_longest_turn_seconds",
            "The longest that one task has held the loop.",
            self._turns.longest,
        )

    async def _waiting(self, nodes: list[str]) -> list[Metric]:
        readers = self._environment.readers
        try:
            with trio.fail_after(_DATABASE_SECONDS):
                [row] = await readers.fetch(Waiting, _WAITING, reader=_READER)
                behind = await readers.fetch(Unconfirmed, _UNCONFIRMED, (nodes,), reader=_READER)
                moved = await readers.fetch(Moved, _MOVED, reader=_READER)
        except (DatabaseAway, trio.TooSlowError):
            return []
        oldest = row.oldest_message
        age = (self._clock.now() - oldest).total_seconds() if oldest is not None else 0.0
        unconfirmed = GaugeMetricFamily(
            "turnpike_node_unconfirmed_grants", "Grants that the node has not confirmed.", labels=["node"]
        )
        for name, grants in {
            **dict.fromkeys(nodes, 0),
            **{each.node: each.grants for each in behind},
        }.items():
            unconfirmed.add_metric([name], grants)
        return [
            GaugeMetricFamily(
                "turnpike_outbox_pending", "Messages that have not been settled.", row.messages
            ),
            GaugeMetricFamily("turnpike_outbox_oldest_seconds", "Age of the oldest of them.", age),
            GaugeMetricFamily("turnpike_inbox_waiting", "Updates that are not done.", row.updates),
            unconfirmed,
            _traffic(moved),
        ]


def _traffic(moved: list[Moved]) -> CounterMetricFamily:
    traffic = CounterMetricFamily(
        "turnpike_node_traffic_bytes",
        "Bytes that people moved: up to the world, down to them.",
        labels=["node", "direction"],
    )
    for each in moved:
        traffic.add_metric([each.node, "up"], each.up)
        traffic.add_metric([each.node, "down"], each.down)
    return traffic
