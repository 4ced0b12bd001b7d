"""Commands about who writes to the bot, and the screens that they ask for."""

from dataclasses import dataclass
from typing import ClassVar

from domain.commands.base import Command, Needs, Person


@dataclass(frozen=True, slots=True)
class Show(Command[None]):
    """Answer a person's update with a screen: `home`, `help`, `plans`, `top_ups`, `account` or `pay:<item>`."""

    reply_type: ClassVar[object] = None
    update_id: int
    person: Person
    screen: str
    replaces: int | None = None

    def needs(self) -> Needs:
        return Needs(users=(self.person.id,), updates=(self.update_id,))

    def key(self) -> str | None:
        return f"update:{self.update_id}:show"


@dataclass(frozen=True, slots=True)
class MarkUnreachable(Command[None]):
    """A person blocked the bot (or unblocked it); nothing else of theirs changes (N4)."""

    reply_type: ClassVar[object] = None
    update_id: int
    person: Person
    blocked: bool

    def needs(self) -> Needs:
        return Needs(users=(self.person.id,), updates=(self.update_id,))
