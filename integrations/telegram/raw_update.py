"""An update as Telegram sent it: what ingress stores before anything looks inside.

Ingress must not lose an update because it does not understand it, so it reads two numbers and keeps the rest
as JSON text. The text is plain ASCII, whatever encoding came, so that no store can choke on it; it may hold
`\\u0000`, which PostgreSQL's `json` takes and its `jsonb` does not.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

#: The kinds of update that turnpike reads. Telegram remembers the list, so it is sent at every start.
ALLOWED_UPDATES: Final = ("message", "callback_query", "pre_checkout_query", "my_chat_member")

_INT64: Final = range(-(2**63), 2**63)


class BadUpdate(ValueError):
    """The text is not an update; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class RawUpdate:
    """One update: its number, the chat whose order it belongs to (None: no chat), its JSON text."""

    update_id: int
    chat_id: int | None
    payload: bytes


#: Takes updates over for good. When it returns they are safe; when it raises they will be delivered again.
Accept = Callable[[Sequence[RawUpdate]], Awaitable[None]]


def parse_update(body: bytes) -> RawUpdate:
    """Read a webhook's body; raise `BadUpdate` if it is not a JSON object with an `update_id`."""
    try:
        update = json.loads(body, parse_constant=_no_constants)
    except (ValueError, RecursionError):
        raise BadUpdate("an update is a JSON object, and this is not JSON") from None
    return from_json(update)


def from_json(update: object) -> RawUpdate:
    """Take one element of getUpdates' result; raise `BadUpdate` if it is no object with an `update_id`."""
    update_id = _integer(update, "update_id")
    if update_id is None:
        raise BadUpdate("an update is a JSON object with an integer 'update_id'")
    return RawUpdate(update_id, _chat_id(update), json.dumps(update).encode())


def _chat_id(update: Any) -> int | None:
    """The chat that the update belongs to; for a query without one, the private chat with its sender."""
    for content in update.values():
        if isinstance(content, dict):
            message = content.get("message")
            for place in (content.get("chat"), _member(message, "chat"), content.get("from")):
                chat_id = _integer(place, "id")
                if chat_id is not None:
                    return chat_id
    return None


def _member(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


def _integer(value: object, name: str) -> int | None:
    number = _member(value, name)
    return number if type(number) is int and number in _INT64 else None


def _no_constants(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
