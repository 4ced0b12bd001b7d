"""Commands about broadcasts: what operators do with them, and what the worker does while they run."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from domain.commands.base import Command, Needs
from domain.commands.care import OperatorCommand
from domain.entities import BroadcastAudience


@dataclass(frozen=True, slots=True, kw_only=True)
class BroadcastOrder(OperatorCommand):
    """Base of what operators do with broadcasts, by command or in Telegram.

    In Telegram it comes of an update, in the chat `chat_id`, and by a tap on the message `panel_id`.
    """

    reason: str = ""
    update_id: int | None = None
    chat_id: int | None = None
    panel_id: int | None = None

    def _updates(self) -> tuple[int, ...]:
        return () if self.update_id is None else (self.update_id,)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateBroadcast(BroadcastOrder):
    """Make a draft; answered by its number. `buttons` are pairs of text and address, `reach` is for how many it is."""

    html: str
    photo: str | None = None
    buttons: tuple[tuple[str, str], ...] = ()
    audience: BroadcastAudience = BroadcastAudience.EVERYONE
    plan: str | None = None
    language: str | None = None
    node: str | None = None
    reach: int = 0

    def needs(self) -> Needs:
        return Needs(updates=self._updates())


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRecipients(BroadcastOrder):
    """Add people to those whom a draft is for; with the first of them, it is for those alone."""

    broadcast_id: int
    user_ids: tuple[int, ...]

    def needs(self) -> Needs:
        return Needs(broadcasts=(self.broadcast_id,))


class Steering(StrEnum):
    """What can be done with a broadcast."""

    PREVIEW = "preview"
    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class SteerBroadcast(BroadcastOrder):
    """Preview a broadcast in a chat, start it, pause, resume or cancel it, or delete what was sent.

    `reach` and `last_number` are how many it reaches now and the last person who could be among them, for its start.
    """

    broadcast_id: int
    what: Steering
    reach: int = 0
    last_number: int = 0

    def needs(self) -> Needs:
        return Needs(broadcasts=(self.broadcast_id,), updates=self._updates())


@dataclass(frozen=True, slots=True, kw_only=True)
class AimBroadcast(BroadcastOrder):
    """Say whom a draft is for; `reach` is how many these are."""

    broadcast_id: int
    audience: BroadcastAudience
    reach: int = 0

    def needs(self) -> Needs:
        return Needs(broadcasts=(self.broadcast_id,), updates=self._updates())


@dataclass(frozen=True, slots=True, kw_only=True)
class EditBroadcast(BroadcastOrder):
    """Give a draft another text, or everybody who got the broadcast."""

    broadcast_id: int
    html: str
    buttons: tuple[tuple[str, str], ...] = ()

    def needs(self) -> Needs:
        return Needs(broadcasts=(self.broadcast_id,), updates=self._updates())


@dataclass(frozen=True, slots=True)
class QueueBroadcast(Command[int]):
    """Write the messages of a broadcast to these people; answered by how many were written.

    `passed` is up to which number everybody has theirs already.
    """

    reply_type: ClassVar[object] = int
    broadcast_id: int
    user_ids: tuple[int, ...]
    passed: int

    def needs(self) -> Needs:
        return Needs(broadcasts=(self.broadcast_id,), users=self.user_ids)


@dataclass(frozen=True, slots=True)
class QueueChanges(Command[int]):
    """Have these messages of a broadcast, pairs of chat and message, edited or deleted; answered by how many.

    `passed` is up to which row of the outbox that is written already.
    """

    reply_type: ClassVar[object] = int
    broadcast_id: int
    sent: tuple[tuple[int, int], ...]
    passed: int

    def needs(self) -> Needs:
        return Needs(broadcasts=(self.broadcast_id,), users=tuple(chat for chat, _ in self.sent))


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the messages of a broadcast, or of their changes, so far."""

    sent: int = 0
    blocked: int = 0
    failed: int = 0
    unknown: int = 0
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class ReportBroadcast(Command[None]):
    """Record how far a broadcast has come; `ended`: nothing of it is left to be done."""

    reply_type: ClassVar[object] = None
    broadcast_id: int
    counts: Counts = field(default_factory=Counts)
    ended: bool = False

    def needs(self) -> Needs:
        return Needs(broadcasts=(self.broadcast_id,))
