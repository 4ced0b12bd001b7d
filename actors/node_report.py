"""What an operator reads of the nodes: whether each is reached, what it runs, and how many users it has of how many."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import trio

from actors.messages import Examine, NodeState
from actors.reading import Reading
from integrations.xray.node import Node
from runtime import Context, Unavailable, UnknownActor

_WANTED: Final = """
    SELECT count(*) FILTER (WHERE NOT grace) AS whole, count(*) AS with_grace FROM grants WHERE present
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many users a node should have: those with whole access, and those together with whoever is in grace."""

    whole: int
    with_grace: int


@dataclass(frozen=True, slots=True)
class NodeReport:
    """A node by its name, how it is, and how many users it should have."""

    node: str
    wanted: int
    state: NodeState


@dataclass(frozen=True, slots=True)
class NodesReport:
    """All nodes in the order of the configuration, at a moment."""

    at: datetime
    nodes: list[NodeReport]


async def node_report(
    nodes: Sequence[Node], context: Context, readers: Reading, seconds: float
) -> NodesReport:
    """How all nodes are; each has so many seconds to say so. Raises `DatabaseAway`."""
    [wanted] = await readers.fetch(Wanted, _WANTED, reader=context.name)
    states: dict[str, NodeState] = {}

    async def examine(node: Node) -> None:
        try:
            states[node.name] = await context.ref(f"vpn/{node.name}/health").call(Examine(), timeout=seconds)
        except (Unavailable, UnknownActor):
            states[node.name] = NodeState(problem=f"the node did not answer within {seconds:g} s")

    async with trio.open_nursery() as nursery:
        for node in nodes:
            nursery.start_soon(examine, node)
    reports = [
        NodeReport(node.name, wanted.with_grace if node.grace else wanted.whole, states[node.name])
        for node in nodes
    ]
    return NodesReport(context.clock.now(), reports)
