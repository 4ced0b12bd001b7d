"""Broadcasts: what operators decide, and the messages that are written for them (N6).

A message is written for each person once: its key names the broadcast and the person, so a restart in the middle
repeats nobody. A pause or a cancellation counts from the moment in which it is decided: what is written and not sent
yet waits, or is dropped, when its turn comes (`domain.outbox`).
"""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from domain import messages
from domain.commands import (
    AimBroadcast,
    BroadcastOrder,
    Counts,
    CreateBroadcast,
    EditBroadcast,
    ListRecipients,
    QueueBroadcast,
    QueueChanges,
    ReportBroadcast,
    SteerBroadcast,
    Steering,
    Verdict,
)
from domain.draft import Draft
from domain.entities import Broadcast, BroadcastAction, BroadcastAudience, BroadcastState, Function, Listing
from domain.outbox import done, tell

_DONE: Final = Verdict(True)
_ENDED: Final = (BroadcastState.CANCELLED, BroadcastState.DONE)


def create(command: CreateBroadcast, draft: Draft) -> Verdict:
    """Make a draft, and show it to whoever wrote it in Telegram."""
    done(draft, command.update_id)
    broadcast = Broadcast(
        id=draft.new_id("broadcasts"),
        state=BroadcastState.DRAFT,
        action=BroadcastAction.SEND,
        revision=0,
        audience=command.audience,
        html=command.html,
        photo=command.photo,
        buttons=_json(command.buttons),
        created_by=command.by,
        created_at=draft.now,
        plan=command.plan,
        language=command.language,
        node=command.node,
        chat_id=command.chat_id,
        reach=command.reach,
    )
    draft.rows.broadcasts.put(broadcast)
    if command.chat_id is not None:
        _preview(draft, broadcast, command)
        _show(draft, broadcast)
    return Verdict(True, number=broadcast.id)


def list_recipients(command: ListRecipients, draft: Draft) -> Verdict:
    """Add people to those whom a draft is for."""
    broadcast = draft.rows.broadcasts.get(command.broadcast_id)
    if broadcast is None or broadcast.state is not BroadcastState.DRAFT:
        return _not_a_draft(broadcast, command.broadcast_id)
    for user_id in command.user_ids:
        draft.rows.listings.put(Listing(broadcast.id, user_id))
    draft.rows.broadcasts.put(replace(broadcast, audience=BroadcastAudience.LISTED))
    return _DONE


def aim(command: AimBroadcast, draft: Draft) -> Verdict:
    """Say whom a draft is for."""
    done(draft, command.update_id)
    broadcast = draft.rows.broadcasts.get(command.broadcast_id)
    if broadcast is None or broadcast.state is not BroadcastState.DRAFT:
        return _not_a_draft(broadcast, command.broadcast_id)
    _show(draft, replace(broadcast, audience=command.audience, reach=command.reach), command)
    return _DONE


def edit(command: EditBroadcast, draft: Draft) -> Verdict:
    """Change the text of a draft, or of what was sent: then it runs once more, over the messages that arrived."""
    done(draft, command.update_id)
    broadcast = draft.rows.broadcasts.get(command.broadcast_id)
    if broadcast is None:
        return _unknown(command.broadcast_id)
    changed = replace(broadcast, html=command.html, buttons=_json(command.buttons))
    if broadcast.state is BroadcastState.DRAFT:
        if command.chat_id is not None:
            _preview(draft, changed, command)
        _show(draft, changed)
        return _DONE
    return _run_over(draft, command, changed, BroadcastAction.EDIT)


def steer(command: SteerBroadcast, draft: Draft) -> Verdict:
    """Preview, start, pause, resume or cancel a broadcast, or delete what was sent."""
    done(draft, command.update_id)
    broadcast = draft.rows.broadcasts.get(command.broadcast_id)
    if broadcast is None:
        return _unknown(command.broadcast_id)
    state, what = broadcast.state, command.what
    if what is Steering.PREVIEW:
        return _preview(draft, broadcast, command)
    if what is Steering.DELETE:
        return _run_over(draft, command, broadcast, BroadcastAction.DELETE)
    if _STATES[what] is BroadcastState.RUNNING and not draft.is_on(Function.BROADCASTS):
        return Verdict(False, "broadcasts are switched off: switch them on first")
    allowed = _ALLOWED[what]
    if state not in allowed:
        expected = " or ".join(allowed)
        return Verdict(False, f"broadcast {broadcast.id} is {state}, expected one that is {expected}")
    changed = replace(broadcast, state=_STATES[what])
    if what is Steering.START:
        changed = replace(
            changed,
            started_at=draft.now,
            reach=command.reach,
            last_number=command.last_number,
            since=draft.new_id("outbox"),
        )
    elif what is Steering.CANCEL and state is BroadcastState.DRAFT:
        changed = replace(changed, started_at=draft.now, ended_at=draft.now)
    _show(draft, changed, command)
    return _DONE


_STATES: Final = {
    Steering.START: BroadcastState.RUNNING,
    Steering.PAUSE: BroadcastState.PAUSED,
    Steering.RESUME: BroadcastState.RUNNING,
    Steering.CANCEL: BroadcastState.CANCELLED,
}
_ALLOWED: Final[dict[Steering, tuple[BroadcastState, ...]]] = {
    Steering.START: (BroadcastState.DRAFT,),
    Steering.PAUSE: (BroadcastState.RUNNING,),
    Steering.RESUME: (BroadcastState.PAUSED,),
    Steering.CANCEL: (BroadcastState.DRAFT, BroadcastState.RUNNING, BroadcastState.PAUSED),
}


def queue(command: QueueBroadcast, draft: Draft) -> int:
    """Write the messages to these people; nobody gets one who cannot be reached, or while it does not run."""
    broadcast = draft.rows.broadcasts.get(command.broadcast_id)
    assert broadcast is not None, "the worker read it"
    if broadcast.state is not BroadcastState.RUNNING:
        return 0
    message = announcement(broadcast)
    written = 0
    for user_id in command.user_ids:
        user = draft.rows.users.get(user_id)
        if user is not None and user.unreachable_since is None:
            tell(draft, user_id, f"broadcast:{broadcast.id}:{user_id}", message, broadcast_id=broadcast.id)
            written += 1
    draft.rows.broadcasts.put(replace(broadcast, passed=max(broadcast.passed, command.passed)))
    return written


def queue_changes(command: QueueChanges, draft: Draft) -> int:
    """Write what edits or deletes these messages."""
    broadcast = draft.rows.broadcasts.get(command.broadcast_id)
    assert broadcast is not None, "the worker read it"
    if broadcast.state is not BroadcastState.RUNNING:
        return 0
    for chat_id, message_id in command.sent:
        message: messages.Message = messages.AnnouncementGone(replaces=message_id)
        if broadcast.action is BroadcastAction.EDIT:
            message = messages.AnnouncementEdited(
                html=broadcast.html,
                photo=broadcast.photo,
                buttons=_pairs(broadcast),
                replaces=message_id,
            )
        key = f"broadcast:{broadcast.id}:{broadcast.revision}:{chat_id}"
        tell(draft, chat_id, key, message, broadcast_id=broadcast.id)
    draft.rows.broadcasts.put(replace(broadcast, passed=max(broadcast.passed, command.passed)))
    return len(command.sent)


def report(command: ReportBroadcast, draft: Draft) -> None:
    """Record how far it has come, and show that; whoever made it is told the result in a message of its own."""
    broadcast = draft.rows.broadcasts.get(command.broadcast_id)
    assert broadcast is not None, "the worker read it"
    if broadcast.started_at is None:
        return
    changed = _counted(broadcast, command.counts)
    if command.ended and broadcast.ended_at is None and broadcast.state is not BroadcastState.PAUSED:
        state = BroadcastState.DONE if broadcast.state is BroadcastState.RUNNING else broadcast.state
        changed = replace(changed, state=state, ended_at=draft.now)
    if changed != broadcast:
        _show(draft, changed)


def announcement(broadcast: Broadcast) -> messages.Announcement:
    """What people get."""
    return messages.Announcement(html=broadcast.html, photo=broadcast.photo, buttons=_pairs(broadcast))


def _counted(broadcast: Broadcast, counts: Counts) -> Broadcast:
    if broadcast.action is BroadcastAction.SEND:
        return replace(
            broadcast,
            sent=counts.sent,
            blocked=counts.blocked,
            failed=counts.failed,
            unknown=counts.unknown,
            dropped=counts.dropped,
        )
    unchanged = counts.blocked + counts.failed + counts.unknown + counts.dropped
    return replace(broadcast, changed=counts.sent, unchanged=unchanged)


def _run_over(
    draft: Draft, command: BroadcastOrder, broadcast: Broadcast, action: BroadcastAction
) -> Verdict:
    """Run once more, over the messages that arrived."""
    if broadcast.state not in _ENDED or broadcast.ended_at is None or broadcast.sent == 0:
        return Verdict(
            False,
            f"broadcast {broadcast.id} is {broadcast.state} and has been sent to {broadcast.sent} people, "
            "expected one that is over and has reached somebody",
        )
    changed = replace(
        broadcast,
        state=BroadcastState.RUNNING,
        action=action,
        revision=broadcast.revision + 1,
        passed=0,
        since=draft.new_id("outbox"),
        changed=0,
        unchanged=0,
        ended_at=None,
    )
    _show(draft, changed, command)
    return _DONE


def _preview(draft: Draft, broadcast: Broadcast, command: BroadcastOrder) -> Verdict:
    """Show it as people will see it."""
    chat_id = command.chat_id or broadcast.chat_id
    if chat_id is None:
        return Verdict(False, "nobody is there to see it: expected a chat")
    message = messages.AnnouncementPreview(
        html=broadcast.html, photo=broadcast.photo, buttons=_pairs(broadcast)
    )
    tell(draft, chat_id, f"preview:{broadcast.id}:{command.request}", message)
    return _DONE


def _show(draft: Draft, broadcast: Broadcast, command: BroadcastOrder | None = None) -> None:
    """Keep the row, and write the panel of whoever made it: anew, or in the place of the one that was tapped."""
    if command is not None and command.panel_id is not None:
        broadcast = replace(broadcast, chat_id=command.chat_id, panel_id=command.panel_id)
    if broadcast.chat_id is not None:
        panel = messages.BroadcastPanel(
            broadcast_id=broadcast.id,
            state=broadcast.state,
            action=broadcast.action,
            audience=broadcast.audience,
            plan=broadcast.plan,
            reads=broadcast.language,
            node=broadcast.node,
            reach=broadcast.reach,
            sent=broadcast.sent,
            blocked=broadcast.blocked,
            failed=broadcast.failed + broadcast.unknown + broadcast.dropped,
            changed=broadcast.changed,
            unchanged=broadcast.unchanged,
            replaces=broadcast.panel_id,
        )
        tell(draft, broadcast.chat_id, f"panel:{broadcast.id}:{broadcast.panels}", panel)
        broadcast = replace(broadcast, panels=broadcast.panels + 1)
    draft.rows.broadcasts.put(broadcast)


def _pairs(broadcast: Broadcast) -> list[tuple[str, str]]:
    return msgspec.json.decode(broadcast.buttons, type=list[tuple[str, str]])


def _json(buttons: Sequence[tuple[str, str]]) -> str:
    return msgspec.json.encode(buttons).decode()


def _unknown(broadcast_id: int) -> Verdict:
    return Verdict(False, f"there is no broadcast {broadcast_id}")


def _not_a_draft(broadcast: Broadcast | None, broadcast_id: int) -> Verdict:
    if broadcast is None:
        return _unknown(broadcast_id)
    return Verdict(False, f"broadcast {broadcast_id} is {broadcast.state}, expected a draft")
