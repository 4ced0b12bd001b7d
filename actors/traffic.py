"""What an operator reads of what somebody has moved: each node, and all of them together."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from actors.reading import Reading

#: More nodes than any shop has.
_NODES_MAX: Final = 1000

_USER: Final = """
    SELECT u.first_name, s.title, s.status, s.expires_at, coalesce(t.up, 0) AS up, coalesce(t.down, 0) AS down,
        s.traffic, coalesce(t.up + t.down, 0) - coalesce(s.traffic_from, 0) AS used, s.stopped IS NOT NULL AS stopped,
        s.devices, coalesce(t.online, 0) AS online
    FROM users u LEFT JOIN subscriptions s ON s.user_id = u.id LEFT JOIN usage t ON t.subscription_id = s.id
    WHERE u.id = %s
"""

_NODES: Final = """
    SELECT n.node, n.up, n.down, n.read_at FROM node_usage n JOIN subscriptions s ON s.id = n.subscription_id
    WHERE s.user_id = %s ORDER BY n.node LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class UserUsage:
    """Somebody and the bytes that they moved in all: `up` from them to the world, `down` to them.

    `used` of them count against the `traffic` of their plan (None is no limit), and access is `stopped` if that is used
    up. They are connected from `online` addresses, of which their plan is for `devices`.
    """

    first_name: str
    title: str | None
    status: str | None
    expires_at: datetime | None
    up: int
    down: int
    traffic: int | None
    used: int
    stopped: bool
    devices: int | None
    online: int


@dataclass(frozen=True, slots=True)
class NodeUsageRow:
    """What they moved on one node, and when something was last added to it."""

    node: str
    up: int
    down: int
    read_at: datetime


@dataclass(frozen=True, slots=True)
class UsageReport:
    """What somebody moved, at a moment; without a user they have never written to the bot."""

    at: datetime
    user: UserUsage | None
    nodes: list[NodeUsageRow]


async def usage_report(readers: Reading, user_id: int, at: datetime, *, reader: str) -> UsageReport:
    """What a user has moved. Raises `DatabaseAway`."""
    user = await readers.fetch_one(UserUsage, _USER, (user_id,), reader=reader)
    nodes = await readers.fetch(NodeUsageRow, _NODES, (user_id, _NODES_MAX), reader=reader)
    return UsageReport(at, user, nodes)
