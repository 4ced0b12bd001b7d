"""What a node has against what it should have: whom it lacks, and whom it has and should not (U3, U4).

The users of the node are listed first and the grants are read afterwards: whoever was on the node because of a grant
is then among the grants, so nobody who is being provisioned looks like an orphan.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

#: Names that we give; other users of a node that is shared with somebody are theirs.
_OURS: Final = re.compile(r"s([1-9][0-9]{0,17})")

#: So many orphans are removed whatever their share: on a small node one is a large share.
ORPHANS_ALWAYS_REMOVED: Final = 5


def name_on_node(subscription_id: int) -> str:
    """The name of a subscription's user on a node."""
    return f"s{subscription_id}"


def subscription_named(name: str) -> int | None:
    """The subscription that a user's name on a node stands for; None if the name is not one of ours."""
    match = _OURS.fullmatch(name)
    return None if match is None else int(match[1])


@dataclass(frozen=True, slots=True)
class Known:
    """A subscription whose user the node has confirmed to have (`has`), or of whom a change is still under way."""

    subscription_id: int
    uuid: UUID
    has: bool


@dataclass(slots=True)
class Differences:
    """The comparison of one node: begun with its users, then told of every subscription that is known."""

    #: Ours among the node's users, by name.
    there: Mapping[str, UUID]
    missing: list[int] = field(default_factory=list)
    orphans: dict[str, UUID] = field(init=False)

    def __post_init__(self) -> None:
        """Until a subscription speaks for them, all are orphans."""
        self.orphans = dict(self.there)

    def compare(self, subscriptions: Iterable[Known]) -> None:
        """Go on with some of the subscriptions that are known."""
        for known in subscriptions:
            name = name_on_node(known.subscription_id)
            self.orphans.pop(name, None)
            if known.has and self.there.get(name) != known.uuid:
                self.missing.append(known.subscription_id)

    def may_remove(self, percent: int, confirmed: int) -> bool:
        """Whether the orphans may be removed: few, a small share of the node's users, or confirmed by an operator.

        A wrong database must not empty a node.
        """
        orphans = len(self.orphans)
        return orphans <= max(ORPHANS_ALWAYS_REMOVED, len(self.there) * percent // 100, confirmed)
