"""What actors say to each other. These types are never reloaded, so that what is queued still matches its receiver."""

from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from domain.commands import Command
from runtime import Call, Cast

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Write(Call[R], Generic[R]):
    """Have the `db_writer` carry out a command; the answer comes after its commit."""

    command: Command[R]


@dataclass(frozen=True, slots=True)
class LookAgain(Cast):
    """A hint that there is something to do; losing it costs a tick, never a fact."""

    coalesce: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class CheckOut(Cast):
    """Telegram asks whether a person may pay; it waits ten seconds for the answer, so this never queues behind work."""

    body: bytes
