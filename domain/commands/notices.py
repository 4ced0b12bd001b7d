"""Commands about what administrators are told."""

from dataclasses import dataclass
from typing import ClassVar

from domain.commands.base import Command, Needs
from domain.messages import Notice


@dataclass(frozen=True, slots=True)
class TellAdmins(Command[bool]):
    """Tell administrators something in their chat; answered by whether that was written now.

    `key` names what is told. With a `mark` it is told only if that stands below `position`, and then stands there:
    so nothing is told twice, whoever repeats it. Without a notice only the mark is put.
    """

    reply_type: ClassVar[object] = bool
    chat_id: int
    key_of_notice: str
    notice: Notice | None
    mark: str | None = None
    position: int = 0

    def needs(self) -> Needs:
        return Needs(marks=() if self.mark is None else (self.mark,))
