"""Commands about who writes to the bot, and the screens that they ask for."""

from dataclasses import dataclass
from typing import ClassVar, Final

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
class Choose(Command[None]):
    """A person chose a language (a code) or a time zone (an IANA name); None leaves the other as it is."""

    reply_type: ClassVar[object] = None
    update_id: int
    person: Person
    language: str | None = None
    time_zone: str | None = None
    replaces: int | None = None

    def needs(self) -> Needs:
        return Needs(users=(self.person.id,), updates=(self.update_id,))

    def key(self) -> str | None:
        return f"update:{self.update_id}:choose"


@dataclass(frozen=True, slots=True)
class MarkUnreachable(Command[None]):
    """A person blocked the bot (or unblocked it); nothing else of theirs changes (N4)."""

    reply_type: ClassVar[object] = None
    update_id: int
    person: Person
    blocked: bool

    def needs(self) -> Needs:
        return Needs(users=(self.person.id,), updates=(self.update_id,))


@dataclass(frozen=True, slots=True)
class Start(Command[None]):
    """A person opened the bot; `payload` is what the link that they followed carried: an invitation or a code."""

    reply_type: ClassVar[object] = None
    update_id: int
    person: Person
    payload: str = ""

    def needs(self) -> Needs:
        return Needs(
            users=(self.person.id,), codes=codes_in(self.payload.partition("_")[2]), updates=(self.update_id,)
        )

    def key(self) -> str | None:
        return f"update:{self.update_id}:start_bot"


@dataclass(frozen=True, slots=True)
class EnterCode(Command[None]):
    """A person entered a promo code or a gift's code; with `guess`, a text that may be one."""

    reply_type: ClassVar[object] = None
    update_id: int
    person: Person
    code: str
    guess: bool = False

    def needs(self) -> Needs:
        return Needs(users=(self.person.id,), codes=codes_in(self.code), updates=(self.update_id,))

    def key(self) -> str | None:
        return f"update:{self.update_id}:code"


@dataclass(frozen=True, slots=True)
class StartTrial(Command[None]):
    """A person asks for their trial."""

    reply_type: ClassVar[object] = None
    update_id: int
    person: Person
    replaces: int | None = None

    def needs(self) -> Needs:
        return Needs(users=(self.person.id,), updates=(self.update_id,))

    def key(self) -> str | None:
        return f"update:{self.update_id}:trial"


@dataclass(frozen=True, slots=True)
class Reissue(Command[None]):
    """A person wants another key and address; the old ones end."""

    reply_type: ClassVar[object] = None
    update_id: int
    person: Person
    replaces: int | None = None

    def needs(self) -> Needs:
        return Needs(users=(self.person.id,), updates=(self.update_id,))

    def key(self) -> str | None:
        return f"update:{self.update_id}:reissue"


@dataclass(frozen=True, slots=True)
class TellRefusal(Command[None]):
    """Tell an administrator why what they ordered in the bot was not done."""

    reply_type: ClassVar[object] = None
    update_id: int
    person: Person
    why: str

    def needs(self) -> Needs:
        return Needs(users=(self.person.id,), updates=(self.update_id,))


def codes_in(text: str) -> tuple[str, ...]:
    """What a typed code may mean: gifts and invitations as typed, promo codes in capitals; nothing if it is none."""
    code = text.strip()
    return (code, code.upper()) if 3 <= len(code) <= CODE_LENGTH_MAX and code.isascii() else ()


#: More characters than any code has.
CODE_LENGTH_MAX: Final = 64
