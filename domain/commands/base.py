"""What every command has: the rows that it needs, its key, and the type of its answer."""

from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from domain.entities import Provider

R = TypeVar("R", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """The rows that a command reads, by key; what belongs to a user that these name is read too.

    `codes` are promo codes, gifts or invitations. With `inviters`, whoever invited these users is a user that is named.
    """

    users: tuple[int, ...] = ()
    purchases: tuple[int, ...] = ()
    charges: tuple[tuple[Provider, str], ...] = ()
    payments: tuple[int, ...] = ()
    codes: tuple[str, ...] = ()
    subscriptions: tuple[int, ...] = ()
    outbox: tuple[int, ...] = ()
    updates: tuple[int, ...] = ()
    orphans: tuple[tuple[str, str], ...] = ()
    runs: tuple[tuple[str, str], ...] = ()
    usage: tuple[tuple[int, str], ...] = ()
    broadcasts: tuple[int, ...] = ()
    marks: tuple[str, ...] = ()
    inviters: bool = False


class Command(Generic[R]):
    """Base of all commands; `Command[int]` is answered by an int."""

    #: The type of the answer, for reading a stored one back.
    reply_type: ClassVar[object]

    def needs(self) -> Needs:
        """The rows that the decision will read."""
        raise NotImplementedError

    def key(self) -> str | None:
        """The idempotency key, or None where the command is idempotent by itself."""
        return None


@dataclass(frozen=True, slots=True)
class Person:
    """Who wrote to the bot, as Telegram describes them; names are what they typed, so escape them."""

    id: int
    first_name: str
    username: str | None = None
    language: str | None = None
