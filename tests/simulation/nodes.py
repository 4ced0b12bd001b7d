"""A node that a test can look into: what the `vpn` actor asks of an Xray, done to a dictionary.

What a real Xray makes of the same calls is proved in `tests/actors/test_vpn.py` and its neighbours; here a node is only
where the end of everybody's access is read.
"""

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from integrations.xray.interface import Capabilities, NodeDriver, Usage
from integrations.xray.node import Node, NodeUser


@dataclass(slots=True)
class Shelf:
    """The users of one node, which outlives the process that drives it."""

    there: dict[str, NodeUser] = field(default_factory=dict)

    async def ensure(self, user: NodeUser) -> None:
        self.there[user.email] = user

    async def absent(self, email: str) -> None:
        self.there.pop(email, None)

    async def drop(self, email: str) -> bool:
        self.there.pop(email, None)
        return True

    async def users(self) -> dict[str, NodeUser]:
        return dict(self.there)

    async def count(self) -> int:
        return len(self.there)

    async def usage(self) -> Usage:
        return Usage("first", {})

    async def online(self) -> dict[str, frozenset[str]]:
        return {}

    async def keep_out(self, wanted: Collection[tuple[str, str]]) -> bool:
        return True

    async def epoch(self) -> str:
        return "first"

    async def uptime(self) -> int:
        return 1

    async def capabilities(self) -> Capabilities:
        return Capabilities(cuts=True, counts_live=True)

    @asynccontextmanager
    async def opened(
        self, node: Node, way: object = None, *, lost: Callable[[], None]
    ) -> AsyncIterator[NodeDriver]:
        """In the place of `open_driver`."""
        yield self
