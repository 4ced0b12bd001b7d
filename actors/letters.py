"""A message on its way out, and what each outcome of a try means for it: pure, given the moment."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, assert_never

from actors.outbox import Due
from domain.commands import SettleMessage
from domain.delivery import DELIVERY, Promise
from domain.entities import MessageState
from integrations.telegram.outgoing import (
    Delivered,
    EditText,
    Outcome,
    Outgoing,
    Permanent,
    SendText,
    Temporary,
    Unknown,
)

RETRY_SECONDS_FIRST: Final = 2.0
RETRY_SECONDS_MAX: Final = 600.0

#: Part of Telegram's text, in lower case.
_NO_TOPIC: Final = "thread not found"

_ERROR_LENGTH: Final = 500


@dataclass(eq=False, slots=True)
class Letter:
    """A message on its way out; `marked` where the try was marked before it."""

    row: Due
    outgoing: Outgoing | None = None
    marked: bool = False

    @property
    def promise(self) -> Promise:
        """What its kind promises; raises KeyError for a kind of another version."""
        return DELIVERY[self.row.kind].promise

    def expired(self, now: datetime) -> bool:
        """Whether it makes no sense any more."""
        return self.row.expires_at is not None and self.row.expires_at <= now


def other_way(letter: Letter, outcome: Outcome | None) -> Outgoing | None:
    """How else to say what could not be said like this: the message that it replaces is gone, or is a picture, or the
    topic that it is for does not exist.
    """
    outgoing = letter.outgoing
    if letter.promise is Promise.AT_MOST_ONCE:
        return None
    if not isinstance(outcome, Permanent) or outcome.unreachable:
        return None
    if isinstance(outgoing, EditText):
        return SendText(outgoing.chat, outgoing.html, outgoing.buttons)
    if isinstance(outgoing, SendText) and outgoing.thread is not None and _NO_TOPIC in outcome.reason.lower():
        return replace(outgoing, thread=None)
    return None


def settled(letter: Letter, outcome: Outcome | None, now: datetime) -> SettleMessage:
    """What to record of a try; None is for a message that made no sense any more when its turn came."""
    number = letter.row.id
    match outcome:
        case None:
            return SettleMessage(outbox_id=number, state=MessageState.DROPPED)
        case Delivered(message_id):
            return SettleMessage(outbox_id=number, state=MessageState.SENT, message_id=message_id)
        case Permanent(reason, unreachable):
            return failed(letter.row, reason, unreachable=unreachable)
        case Unknown(reason) if letter.promise is Promise.AT_MOST_ONCE:
            return SettleMessage(outbox_id=number, state=MessageState.UNKNOWN, error=_storable(reason))
        case Temporary(reason, float() | int() as retry_after):
            return _put_off(letter.row, reason, now + timedelta(seconds=retry_after))
        case Temporary(reason) | Unknown(reason):
            seconds = min(RETRY_SECONDS_FIRST * 2 ** min(letter.row.attempts, 16), RETRY_SECONDS_MAX)
            return _put_off(letter.row, reason, now + timedelta(seconds=seconds))
        case _:
            assert_never(outcome)


def failed(row: Due, reason: str, *, unreachable: bool = False) -> SettleMessage:
    """It will never arrive."""
    return SettleMessage(
        outbox_id=row.id, state=MessageState.FAILED, error=_storable(reason), unreachable=unreachable
    )


def _put_off(row: Due, reason: str, until: datetime) -> SettleMessage:
    return SettleMessage(
        outbox_id=row.id, state=MessageState.PENDING, error=_storable(reason), not_before=until
    )


def _storable(reason: str) -> str:
    """What another's server said, as PostgreSQL can keep it."""
    return reason.replace("\0", "")[:_ERROR_LENGTH]
