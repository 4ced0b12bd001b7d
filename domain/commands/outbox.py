"""Commands about messages to people."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from domain.commands.base import Command, Needs
from domain.entities import MessageState


@dataclass(frozen=True, slots=True)
class ClaimMessages(Command[tuple[int, ...]]):
    """Mark messages that must not be sent twice before they are sent; answered by which of them may be sent now."""

    reply_type: ClassVar[object] = tuple[int, ...]
    outbox_ids: tuple[int, ...]

    def needs(self) -> Needs:
        return Needs(outbox=self.outbox_ids)


@dataclass(frozen=True, slots=True)
class ReleaseMessages(Command[None]):
    """Take the marks off messages that were not sent, and that nobody is about to send."""

    reply_type: ClassVar[object] = None
    outbox_ids: tuple[int, ...]

    def needs(self) -> Needs:
        return Needs(outbox=self.outbox_ids)


@dataclass(frozen=True, slots=True)
class AbandonMessages(Command[None]):
    """Settle as possibly sent what was marked when the process was killed."""

    reply_type: ClassVar[object] = None
    outbox_ids: tuple[int, ...]

    def needs(self) -> Needs:
        return Needs(outbox=self.outbox_ids)


@dataclass(frozen=True, slots=True)
class DropMessages(Command[int]):
    """Drop those messages that make no sense any more; answered by how many."""

    reply_type: ClassVar[object] = int
    outbox_ids: tuple[int, ...]

    def needs(self) -> Needs:
        return Needs(outbox=self.outbox_ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleMessage(Command[None]):
    """Record what became of a message: any end, or pending, to be tried again not before a time."""

    reply_type: ClassVar[object] = None
    outbox_id: int
    state: MessageState
    message_id: int | None = None
    error: str | None = None
    not_before: datetime | None = None
    unreachable: bool = field(default=False)

    def needs(self) -> Needs:
        return Needs(outbox=(self.outbox_id,))
