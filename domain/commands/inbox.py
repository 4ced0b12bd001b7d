"""Commands about updates from Telegram."""

from dataclasses import dataclass
from typing import ClassVar

from domain.commands.base import Command, Needs


@dataclass(frozen=True, slots=True)
class Received:
    """An update as it arrived: its id, its chat (0 if it has none), and its JSON."""

    update_id: int
    chat_id: int
    body: str


@dataclass(frozen=True, slots=True)
class RecordUpdates(Command[int]):
    """Put updates in the inbox; answered by how many were new. The poll's offset moves only after this."""

    reply_type: ClassVar[object] = int
    updates: tuple[Received, ...]

    def needs(self) -> Needs:
        return Needs(updates=tuple(update.update_id for update in self.updates))


@dataclass(frozen=True, slots=True)
class PutAside(Command[bool]):
    """Count a failed try at an update; answered by whether it is given up (parked with its error)."""

    reply_type: ClassVar[object] = bool
    update_id: int
    error: str

    def needs(self) -> Needs:
        return Needs(updates=(self.update_id,))


@dataclass(frozen=True, slots=True)
class FinishUpdate(Command[None]):
    """Mark an update as done that asks for nothing."""

    reply_type: ClassVar[object] = None
    update_id: int

    def needs(self) -> Needs:
        return Needs(updates=(self.update_id,))
