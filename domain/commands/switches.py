"""Commands about kill switches."""

from dataclasses import dataclass
from typing import ClassVar

from domain.commands.base import Command, Needs
from domain.commands.care import OperatorCommand


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSwitch(OperatorCommand):
    """Switch a function or a worker off, or on again.

    In Telegram it comes of an update, in the chat `chat_id`, and by a tap on the message `panel_id`.
    """

    reason: str = ""
    name: str
    on: bool
    update_id: int | None = None
    chat_id: int | None = None
    panel_id: int | None = None

    def needs(self) -> Needs:
        return Needs(updates=() if self.update_id is None else (self.update_id,))


@dataclass(frozen=True, slots=True)
class ShowSwitches(Command[None]):
    """An administrator wants to see the switches."""

    reply_type: ClassVar[object] = None
    update_id: int
    chat_id: int

    def needs(self) -> Needs:
        return Needs(updates=(self.update_id,))
