"""Writing messages to people, in the transaction of the fact that they tell (N1, N2)."""

from typing import Final

from msgspec.structs import replace

from domain import messages
from domain.commands import FinishUpdate, PutAside, RecordUpdates, SettleMessage
from domain.draft import Draft
from domain.entities import MessageState, OutboxMessage, Update

#: Kinds that tell a fact about money or access (N3): tried as long as it takes, also after an unknown outcome.
FACTS: Final = frozenset({"paid", "topped_up", "access_ready", "expired", "under_review"})

#: A message that failed for a passing reason is given up after this many tries.
SENDING_ATTEMPTS_MAX: Final = 12

#: An update that could not be handled is parked after this many tries, so that it does not block its chat.
HANDLING_ATTEMPTS_MAX: Final = 5


def tell(
    draft: Draft, chat_id: int, key: str, message: messages.Message, *, trace: str | None = None
) -> None:
    """Write one message; `key` names the fact, and the database keeps at most one message for a key.

    `trace` is the causal id of an earlier command that this completes; without it the message carries this command's.
    """
    row = OutboxMessage(
        id=draft.new_id("outbox"),
        chat_id=chat_id,
        key=key,
        kind=str(message.__struct_config__.tag),
        body=messages.encode(message),
        created_at=draft.now,
        not_before=draft.now,
        trace=trace or draft.trace,
    )
    draft.rows.outbox.put(row)


def settle(command: SettleMessage, draft: Draft) -> None:
    """Record the outcome of a try; a settled message stays as it was settled first."""
    row = draft.rows.outbox.get(command.outbox_id)
    if row is None or row.state is not MessageState.PENDING:
        return
    attempts = row.attempts + 1
    state = command.state
    if state is MessageState.PENDING and attempts >= SENDING_ATTEMPTS_MAX and row.kind not in FACTS:
        state = MessageState.FAILED
    settled = state is not MessageState.PENDING
    draft.rows.outbox.put(
        replace(
            row,
            state=state,
            attempts=attempts,
            message_id=command.message_id,
            error=command.error,
            not_before=command.not_before or row.not_before,
            settled_at=draft.now if settled else None,
        )
    )
    user = draft.rows.users.get(row.chat_id)
    if command.unreachable and user is not None and user.unreachable_since is None:
        draft.rows.users.put(replace(user, unreachable_since=draft.now))


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
