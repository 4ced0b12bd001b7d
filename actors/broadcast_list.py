"""What an operator reads of broadcasts: each with whom it is for and what became of it, the newest first."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from actors.reading import Reading

PAGE: Final = 50

_BROADCASTS: Final = """
    SELECT id, state, action, audience, plan, language, node, html, created_by, created_at, started_at, ended_at,
        reach, sent, blocked, failed, unknown, dropped, changed, unchanged
    FROM broadcasts WHERE id < %s ORDER BY id DESC LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class BroadcastRow:
    """A broadcast and its counts; `changed` and `unchanged` are of its last edit or deletion."""

    id: int
    state: str
    action: str
    audience: str
    plan: str | None
    language: str | None
    node: str | None
    html: str
    created_by: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    reach: int
    sent: int
    blocked: int
    failed: int
    unknown: int
    dropped: int
    changed: int
    unchanged: int


async def broadcasts(readers: Reading, before: int, *, reader: str) -> list[BroadcastRow]:
    """The newest broadcasts whose numbers are below `before`. Raises `DatabaseAway`."""
    return await readers.fetch(BroadcastRow, _BROADCASTS, (before, PAGE), reader=reader)
