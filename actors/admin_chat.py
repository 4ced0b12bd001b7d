"""`[admins]` of the configuration: who orders in the bot, and where they are told of what happens."""

from typing import Annotated

import msgspec

from actors.offers import time_of_day

Topic = Annotated[int, msgspec.Meta(ge=1)]


class Topics(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The topics of a forum that notices go to, by their numbers at Telegram; what has none goes to its first one."""

    payments: Topic | None = None
    alerts: Topic | None = None
    reports: Topic | None = None


class Admins(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who may broadcast and order in the bot, by their Telegram ids; where notices go, and when the day is reported."""

    ids: list[int] = []
    chat: int | None = None
    topics: Topics = Topics()
    report_at: str = "9:00"


def check_admins(admins: Admins) -> None:
    """Raises ValueError with a sentence that names the key."""
    time_of_day("admins.report_at", admins.report_at)
    if admins.chat == 0:
        raise ValueError(
            "admins.chat: found 0, expected the id of a chat, such as -1001234567890 for a group"
        )
    if admins.topics != Topics() and (admins.chat is None or admins.chat > 0):
        raise ValueError(
            f"admins.topics: found topics while admins.chat is {admins.chat or 'left out'}, expected the id of a "
            "forum there, which is below 0"
        )
