"""What people moved: bytes on each node, and on all of them."""

from datetime import datetime

from msgspec import Struct


class NodeRun(Struct, frozen=True, gc=False):
    """A run of a node, by the name that its driver gave to it; a later one has a greater number, on whatever node."""

    node: str
    epoch: str
    number: int
    met_at: datetime


class NodeUsage(Struct, frozen=True, gc=False):
    """Bytes of a subscription on one node: `up` from its user to the world, `down` to its user, in all of its runs.

    `seen_up` and `seen_down` are the node's own counters in the run that was read last, up to which that is right.
    """

    subscription_id: int
    node: str
    run: int
    seen_up: int
    seen_down: int
    up: int
    down: int
    read_at: datetime


class Usage(Struct, frozen=True, gc=False):
    """Bytes of a subscription on all nodes together, since its beginning, and from how many addresses it is `online`.

    `over_since` that is more than its plan is for, of which its user was told at `warned_at` last.
    """

    subscription_id: int
    up: int = 0
    down: int = 0
    online: int = 0
    over_since: datetime | None = None
    warned_at: datetime | None = None
