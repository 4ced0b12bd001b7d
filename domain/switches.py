"""Kill switches: what an operator switched off is not begun, and whoever asks for it is told so in plain words.

Nothing is lost by a switch: money that arrives is booked whatever is off, an invitation is noted, and what waits is
done when it is switched on again.
"""

from typing import Any, Final

from domain import messages
from domain.commands import (
    Command,
    MarkUnreachable,
    PayFromBalance,
    Person,
    RenewNow,
    SetSwitch,
    ShowSwitches,
    Start,
    StartPurchase,
    TellRefusal,
    Verdict,
)
from domain.draft import Draft
from domain.entities import Function, Switch
from domain.outbox import done, tell
from domain.people import meet
from domain.referrals import attach

#: What begins to pay.
_PAYING: Final = (StartPurchase, PayFromBalance, RenewNow)

#: What is not asked for by a person, though it speaks of one.
_NOT_ASKED: Final = (MarkUnreachable, TellRefusal)


def set_switch(command: SetSwitch, draft: Draft) -> Verdict:
    """Put a switch; who used it and when stays as it was where it stands so already."""
    done(draft, command.update_id)
    if draft.is_on(command.name) is not command.on:
        draft.rows.switches.put(
            Switch(command.name, command.on, command.by, command.reason.strip(), draft.now)
        )
    if command.chat_id is not None:
        key = f"switches:{command.request}"
        tell(draft, command.chat_id, key, panel(draft, command.panel_id))
    return Verdict(True)


def show_switches(command: ShowSwitches, draft: Draft) -> None:
    """Show how the switches stand."""
    tell(draft, command.chat_id, f"update:{command.update_id}", panel(draft, None))
    done(draft, command.update_id)


def panel(draft: Draft, replaces: int | None) -> messages.SwitchPanel:
    """Everything that is off."""
    off = sorted(row.name for row in draft.rows.switches if not row.switched_on)
    return messages.SwitchPanel(off=off, replaces=replaces)


def turn_away(command: Command[Any], draft: Draft) -> bool:
    """Tell a person that what they ask for is switched off; False if it is not, and nothing was done."""
    person = getattr(command, "person", None)
    if not isinstance(person, Person) or isinstance(command, _NOT_ASKED):
        return False
    if _is_not_served(draft, person):
        message: messages.Message = messages.SignUpsOff()
    elif isinstance(command, _PAYING) and not draft.is_on(Function.PAYMENTS):
        message = messages.PaymentsOff(replaces=command.replaces)
    else:
        return False
    user = meet(draft, person)
    if isinstance(command, Start):
        kind, _, code = command.payload.partition("_")
        if kind == "ref":
            attach(draft, user, code)
    update_id: int = getattr(command, "update_id")  # noqa: B009 - every command of a person has one
    tell(draft, user.id, f"update:{update_id}", message)
    done(draft, update_id)
    return True


def _is_not_served(draft: Draft, person: Person) -> bool:
    """Whether a person came for the first time after sign-ups were switched off."""
    switch = draft.rows.switches.get(Function.SIGN_UPS)
    if switch is None or switch.switched_on:
        return False
    user = draft.rows.users.get(person.id)
    return user is None or user.created_at >= switch.changed_at
