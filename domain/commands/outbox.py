"""Commands about messages to people."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from domain.commands.base import Command, Needs
from domain.entities import MessageState


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleMessage(Command[None]):
    """Record what became of an outbox row: sent, failed, of unknown outcome, or to be tried again not before a time."""

    reply_type: ClassVar[object] = None
    outbox_id: int
    state: MessageState
    message_id: int | None = None
    error: str | None = None
    not_before: datetime | None = None
    unreachable: bool = field(default=False)

    def needs(self) -> Needs:
        return Needs(outbox=(self.outbox_id,))
