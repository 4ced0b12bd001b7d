"""Writing messages to people, in the transaction of the fact that they tell (N1, N2)."""

from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from domain import messages
from domain.commands import (
    AbandonMessages,
    ClaimMessages,
    DropMessages,
    FinishUpdate,
    PutAside,
    RecordUpdates,
    ReleaseMessages,
    SettleMessage,
)
from domain.delivery import DELIVERY
from domain.draft import Draft
from domain.entities import BroadcastState, Function, MessageState, OutboxMessage, Update

#: An update that could not be handled is parked after this many tries, so that it does not block its chat.
HANDLING_ATTEMPTS_MAX: Final = 5

_KILLED: Final = "the process ended while it was being sent"
#: While a broadcast does not run, its messages that are written already are looked at again after this time.
PAUSE: Final = timedelta(minutes=1)

_CANCELLED: Final = "its broadcast was cancelled"
_RENEWED: Final = "the subscription it speaks of has been renewed"
_CUT_OFF: Final = "this person could not be reached the last time"


def tell(
    draft: Draft,
    chat_id: int,
    key: str,
    message: messages.Message,
    *,
    not_before: datetime | None = None,
    expires_at: datetime | None = None,
    broadcast_id: int | None = None,
    trace: str | None = None,
) -> None:
    """Write one message; `key` names the fact, and the database keeps at most one message for a key (N2).

    It is sent from `not_before` on, or at once; from `expires_at` on, or after the time that its kind lasts, it makes
    no sense any more. `trace` is the causal id of an earlier command that this completes; without it the message
    carries this command's.
    """
    kind = str(message.__struct_config__.tag)
    delivery = DELIVERY[kind]
    starts_at = not_before or draft.now
    if expires_at is None and delivery.lasts is not None:
        expires_at = starts_at + delivery.lasts
    row = OutboxMessage(
        id=draft.new_id("outbox"),
        chat_id=chat_id,
        key=key,
        kind=kind,
        body=messages.encode(message),
        created_at=draft.now,
        not_before=starts_at,
        trace=trace or draft.trace,
        priority=delivery.priority.value,
        expires_at=expires_at,
        broadcast_id=broadcast_id,
    )
    draft.rows.outbox.put(row)


def claim(command: ClaimMessages, draft: Draft) -> tuple[int, ...]:
    """Mark messages that must not be sent twice, before they are sent, and say which of them may be sent now.

    One that makes no sense any more, or is not true any more, is dropped, also if its broadcast was cancelled; while
    that pauses, it is put off. One to a person who could not be reached ends here. One that is marked already was
    marked by the same command, whose answer was lost.
    """
    claimed = []
    for outbox_id in command.outbox_ids:
        row = draft.rows.outbox.get(outbox_id)
        if row is None or row.state not in (MessageState.PENDING, MessageState.SENDING):
            continue
        user = draft.rows.users.get(row.chat_id)
        if row.state is MessageState.SENDING:
            claimed.append(row.id)
        elif row.expires_at is not None and row.expires_at <= draft.now:
            _end(draft, row, MessageState.DROPPED, row.error)
        elif _is_held_up(draft, row):
            continue
        elif _is_outdated(draft, row):
            _end(draft, row, MessageState.DROPPED, _RENEWED)
        elif user is not None and user.unreachable_since is not None:
            _end(draft, row, MessageState.FAILED, _CUT_OFF)
        else:
            marked = replace(row, state=MessageState.SENDING, attempts=row.attempts + 1)
            claimed.append(draft.rows.outbox.put(marked).id)
    return tuple(claimed)


def _is_held_up(draft: Draft, row: OutboxMessage) -> bool:
    """Whether the broadcast that a message belongs to does not run: it is put off, or dropped if that was cancelled."""
    broadcast = None if row.broadcast_id is None else draft.rows.broadcasts.get(row.broadcast_id)
    if broadcast is None:
        return False
    running, is_on = broadcast.state is BroadcastState.RUNNING, draft.is_on(Function.BROADCASTS)
    if running and is_on:
        return False
    if running or broadcast.state is BroadcastState.PAUSED:
        expires_at = row.expires_at and row.expires_at + PAUSE
        draft.rows.outbox.put(replace(row, not_before=draft.now + PAUSE, expires_at=expires_at))
    else:
        _end(draft, row, MessageState.DROPPED, _CANCELLED)
    return True


def _is_outdated(draft: Draft, row: OutboxMessage) -> bool:
    """Whether a reminder speaks of a period that is not the last one any more, and so of another end."""
    message = messages.decode(row.body)
    subscription = draft.rows.subscriptions.get(row.chat_id)
    return (
        isinstance(message, messages.Reminder)
        and subscription is not None
        and subscription.periods != message.period
    )


def release(command: ReleaseMessages, draft: Draft) -> None:
    """Take marks off again: these were not sent, and nobody is about to send them."""
    for row in _marked(draft, command.outbox_ids):
        draft.rows.outbox.put(replace(row, state=MessageState.PENDING, attempts=row.attempts - 1))


def abandon(command: AbandonMessages, draft: Draft) -> None:
    """Give up what was marked when the process was killed: it may have been sent."""
    for row in _marked(draft, command.outbox_ids):
        _end(draft, row, MessageState.UNKNOWN, _KILLED)


def drop(command: DropMessages, draft: Draft) -> int:
    """Drop those messages that make no sense any more (N7)."""
    dropped = 0
    for outbox_id in command.outbox_ids:
        row = draft.rows.outbox.get(outbox_id)
        if row is None or row.state is not MessageState.PENDING or row.expires_at is None:
            continue
        if row.expires_at <= draft.now:
            _end(draft, row, MessageState.DROPPED, row.error)
            dropped += 1
    return dropped


def settle(command: SettleMessage, draft: Draft) -> None:
    """Record the outcome of a try. What was settled stays so, unless it is learnt that it did arrive.

    A message that would have to wait until it makes no sense any more is dropped. A failed message changes nothing of
    its user but that they cannot be reached (N4), and one that arrived proves that they can.
    """
    row = draft.rows.outbox.get(command.outbox_id)
    if row is None or not _may_become(row.state, command.state):
        return
    state, not_before = command.state, command.not_before or row.not_before
    if state is MessageState.PENDING and row.expires_at is not None and row.expires_at <= not_before:
        state = MessageState.DROPPED
    tried = row.state is MessageState.PENDING and command.state is not MessageState.DROPPED
    draft.rows.outbox.put(
        replace(
            row,
            state=state,
            attempts=row.attempts + tried,
            message_id=command.message_id,
            error=command.error,
            not_before=not_before,
            settled_at=None if state is MessageState.PENDING else draft.now,
        )
    )
    user = draft.rows.users.get(row.chat_id)
    if user is not None and command.unreachable and user.unreachable_since is None:
        draft.rows.users.put(replace(user, unreachable_since=draft.now))
    elif user is not None and state is MessageState.SENT and user.unreachable_since is not None:
        draft.rows.users.put(replace(user, unreachable_since=None))


def _may_become(state: MessageState, wanted: MessageState) -> bool:
    if state in (MessageState.UNKNOWN, MessageState.DROPPED):
        return wanted is MessageState.SENT
    return state in (MessageState.PENDING, MessageState.SENDING) and wanted is not MessageState.SENDING


def _marked(draft: Draft, outbox_ids: tuple[int, ...]) -> list[OutboxMessage]:
    rows = [draft.rows.outbox.get(outbox_id) for outbox_id in outbox_ids]
    return [row for row in rows if row is not None and row.state is MessageState.SENDING]


def _end(draft: Draft, row: OutboxMessage, state: MessageState, error: str | None) -> None:
    draft.rows.outbox.put(replace(row, state=state, error=error, settled_at=draft.now))


def record_updates(command: RecordUpdates, draft: Draft) -> int:
    """Put the updates that are not there yet in the inbox; each begins a causal chain of its own."""
    new = 0
    for update in command.updates:
        if draft.rows.updates.get(update.update_id) is None:
            trace = f"update-{update.update_id}"
            row = Update(update.update_id, update.chat_id, update.body, draft.now, trace=trace)
            draft.rows.updates.put(row)
            new += 1
    return new


def finish_update(command: FinishUpdate, draft: Draft) -> None:
    """Mark an update as done."""
    done(draft, command.update_id)


def done(draft: Draft, update_id: int | None) -> None:
    """Mark the update that caused a command as done, in the command's own transaction."""
    row = None if update_id is None else draft.rows.updates.get(update_id)
    if row is not None and row.done_at is None:
        draft.rows.updates.put(replace(row, done_at=draft.now))


def put_aside(command: PutAside, draft: Draft) -> bool:
    """Count a failed try; after the last one the update is done, with its error kept for an operator."""
    row = draft.rows.updates.get(command.update_id)
    if row is None or row.done_at is not None:
        return True
    attempts = row.attempts + 1
    parked = attempts >= HANDLING_ATTEMPTS_MAX
    draft.rows.updates.put(
        replace(row, attempts=attempts, error=command.error, done_at=draft.now if parked else None)
    )
    return parked
