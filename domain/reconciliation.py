"""What a node has against what it should have: whom it lacks, and whom it has and should not (U3, U4).

The users of the node are listed first and the grants are read afterwards: whoever was on the node because of a grant
is then among the grants, so nobody who is being provisioned looks like an orphan.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from domain.names import name_on_node, subscription_named

#: So many orphans are removed whatever their share: on a small node one is a large share.
ORPHANS_ALWAYS_REMOVED: Final = 5


@dataclass(frozen=True, slots=True)
class Known:
    """A subscription whose user should be on a node (`present`), or of whom a change is still to come (`pending`)."""

    subscription_id: int
    uuid: UUID
    present: bool
    pending: bool
    generation: int = 0
    grace: bool = False


@dataclass(slots=True)
class Differences:
    """The comparison of one node: told of all of its users, then of every subscription that is known."""

    #: Ours among the node's users, by name.
    there: dict[str, UUID] = field(default_factory=dict)
    missing: list[int] = field(default_factory=list)
    #: Until a subscription speaks for them, all are orphans.
    orphans: dict[str, UUID] = field(default_factory=dict)
    _names: dict[int, tuple[str, ...]] = field(default_factory=dict)

    def list(self, users: Iterable[tuple[str, UUID]]) -> None:
        """Go on with some of the node's users; whose name is not one of ours is left out."""
        for name, uuid in users:
            number = subscription_named(name)
            if number is not None:
                self.there[name] = self.orphans[name] = uuid
                self._names[number] = (*self._names.get(number, ()), name)

    def compare(self, subscriptions: Iterable[Known]) -> None:
        """Go on with some of the subscriptions that are known."""
        for known in subscriptions:
            if known.pending:
                # Whatever is there of them is the business of the change that is to come.
                for each in self._names.get(known.subscription_id, ()):
                    self.orphans.pop(each, None)
                continue
            name = name_on_node(known.subscription_id, known.generation, grace=known.grace)
            self.orphans.pop(name, None)
            if self.there.get(name) != known.uuid:
                self.missing.append(known.subscription_id)

    def may_remove(self, percent: int, confirmed: int) -> bool:
        """Whether the orphans may be removed: few, a small share of the node's users, or confirmed by an operator.

        A wrong database must not empty a node.
        """
        orphans = len(self.orphans)
        return orphans <= max(ORPHANS_ALWAYS_REMOVED, len(self.there) * percent // 100, confirmed)
