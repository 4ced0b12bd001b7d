"""Refusals of the Bot API, in Telegram's own words.

Bots tell cases apart by these texts, so they are part of the protocol: each is what Telegram's server answers.
"""

from typing import Final

import msgspec


class ResponseParameters(msgspec.Struct, omit_defaults=True):
    """What a client may act on: how many seconds to keep quiet."""

    retry_after: int | None = None


class BotApiError(Exception):
    """A refusal as the envelope shows it: `{"ok": false, "error_code": …, "description": …}`."""

    def __init__(self, code: int, description: str, parameters: ResponseParameters | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters


def bad_request(reason: str) -> BotApiError:
    """400 with Telegram's prefix."""
    return BotApiError(400, f"Bad Request: {reason}")


def conflict(reason: str) -> BotApiError:
    """409: somebody else receives this bot's updates."""
    return BotApiError(409, f"Conflict: {reason}")


def too_many_requests(retry_after: int) -> BotApiError:
    """429: keep quiet for that many seconds."""
    return BotApiError(429, f"Too Many Requests: retry after {retry_after}", ResponseParameters(retry_after))


QUERY_TOO_OLD: Final = "query is too old and response timeout expired or query ID is invalid"
NOT_MODIFIED: Final = (
    "message is not modified: specified new message content and reply markup are exactly the same as"
    " a current content and reply markup of the message"
)
