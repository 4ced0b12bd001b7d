"""What the database says of the users of one node: the questions that the `vpn` actor asks it."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from domain.names import Change, Had, change_on_node, name_on_node

#: The number of the last change of any grant.
NEWEST: Final = """
    SELECT coalesce(max(change), 0) AS change FROM grants
"""

#: What the node has not confirmed, in the order in which it was decided. The lateral keeps the server to that order: it
#: expects to find nearly nothing, and would go through both tables for each page.
CHANGES: Final = """
    SELECT g.subscription_id, g.uuid, g.present AND (NOT g.grace OR %s) AS present, g.version, g.change, g.generation,
        g.grace, g.trace, p.version AS had_version, p.present AS had_present, p.generation AS had_generation,
        p.grace AS had_grace
    FROM grants g LEFT JOIN LATERAL (
            SELECT * FROM provisions WHERE subscription_id = g.subscription_id AND node = %s LIMIT 1
        ) AS p ON true
    WHERE p.version IS DISTINCT FROM g.version AND g.change > %s AND g.change <= %s
    ORDER BY g.change LIMIT %s
"""

#: The same of some subscriptions, confirmed or not.
WISHES: Final = """
    SELECT g.subscription_id, g.uuid, g.present AND (NOT g.grace OR %s) AS present, g.version, g.change, g.generation,
        g.grace, g.trace, p.version AS had_version, p.present AS had_present, p.generation AS had_generation,
        p.grace AS had_grace
    FROM grants g LEFT JOIN provisions p ON p.subscription_id = g.subscription_id AND p.node = %s
    WHERE g.subscription_id = ANY(%s)
    ORDER BY g.subscription_id LIMIT %s
"""

#: Which of some UUIDs belong to a subscription that is to be on nodes.
WANTED_CREDENTIALS: Final = """
    SELECT s.uuid FROM subscriptions s JOIN grants g ON g.subscription_id = s.id AND g.present
    WHERE xray_identity(s.uuid) = ANY(ARRAY(SELECT xray_identity(each) FROM unnest(%s::uuid[]) AS each))
    ORDER BY s.id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Newest:
    """The number of the last change of any grant."""

    change: int


@dataclass(frozen=True, slots=True)
class Wish:
    """What should be on the node for one subscription, and what the node has last confirmed of it."""

    subscription_id: int
    uuid: UUID
    present: bool
    version: int
    change: int
    generation: int
    grace: bool
    trace: str | None
    had_version: int | None
    had_present: bool | None
    had_generation: int | None
    had_grace: bool | None

    @property
    def name(self) -> str:
        """What the user is called there."""
        return name_on_node(self.subscription_id, self.generation, grace=self.grace)

    @property
    def steps(self) -> Change:
        """What is to be done for it."""
        had = None
        if self.had_version is not None:
            had = Had(
                self.had_version, bool(self.had_present), self.had_generation or 0, bool(self.had_grace)
            )
        return change_on_node(
            self.subscription_id, self.version, self.present, self.generation, self.grace, had
        )


@dataclass(frozen=True, slots=True)
class Credential:
    """A UUID that should be on every node."""

    uuid: UUID
