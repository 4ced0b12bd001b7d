"""People who have written to the bot."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class User:
    """A person who has written to the bot; the id is Telegram's."""

    id: int
    first_name: str
    username: str | None
    language: str | None
    created_at: datetime
    unreachable_since: datetime | None = None
