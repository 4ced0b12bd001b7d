"""What every message has."""

import msgspec


class Message(msgspec.Struct, frozen=True, tag_field="type", kw_only=True):
    """Base of everything that is told to a person; `replaces` is the chat message that it takes the place of."""

    replaces: int | None = None
