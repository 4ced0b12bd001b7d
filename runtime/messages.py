"""Messages: frozen values that say by their type whether an answer is expected, and of which type.

    @dataclass(frozen=True, slots=True)
    class Finalize(Call[Receipt]):        # receipt = await writer.call(Finalize(7)) is a Receipt to the type checker
        invoice: int

A refusal is a value, not an exception: `Call[Receipt | Refused]`; so nobody crashes over an empty balance, and the
type checker sees that the caller looked at it. Message types belong in modules that are not reloaded with their
actors: what is queued must still match after a reload.
"""

from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

R_co = TypeVar("R_co", covariant=True)


class Message:
    """What an actor can be sent. Subclass `Call` or `Cast`, as a frozen dataclass of plain data."""

    __slots__ = ()

    expects_answer: ClassVar[bool] = False
    """True for every `Call`."""

    coalesce: ClassVar[bool] = False
    """True for a hint, a cast that an equal one already queued swallows. Such a message must be hashable."""


class Call(Message, Generic[R_co]):
    """A message that expects an answer of type `R_co`."""

    __slots__ = ()

    expects_answer: ClassVar[bool] = True


class Cast(Message):
    """A message that expects no answer."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Ask(Call[str]):
    """What an operator asks an actor over the control socket. What `body` and the answer say, the actor decides.

    Whatever it refuses it says by raising `Declined` with a sentence for the operator.
    """

    body: str


@dataclass(frozen=True, slots=True)
class Tick(Cast):
    """Tells a worker to look now; any number of waiting ticks are one."""

    coalesce: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Down(Cast):
    """Tells a monitoring actor that an incarnation of `actor` has ended, and why."""

    actor: str
    crashed: bool
    reason: str
