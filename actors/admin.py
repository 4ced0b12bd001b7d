"""What administrators order in the bot: commands and buttons that nobody else has."""

from collections.abc import Sequence
from typing import Any, Final

from actors.announcing import content_of
from domain.commands import (
    AimBroadcast,
    BroadcastOrder,
    CreateBroadcast,
    EditBroadcast,
    SetSwitch,
    SteerBroadcast,
    Steering,
)
from domain.entities import BroadcastAudience
from integrations.telegram import updates

#: What a bigint can always hold.
_DIGITS_MAX: Final = 18

#: The commands of an administrator; without what they need, the bot says how they are used.
BROADCASTING: Final = ("broadcast", "edit_broadcast")
SWITCHING: Final = ("switches", "switch_on", "switch_off")

_POSITIONS: Final = {"switch_on": "on", "switch_off": "off"}

_AUDIENCES: Final = frozenset(BroadcastAudience) - {BroadcastAudience.LISTED}


def order_of(
    update_id: int, inbound: updates.Command | updates.Tap, admins: Sequence[int]
) -> BroadcastOrder | SetSwitch | None:
    """The order that an administrator gives by this; None if it is none, or comes from somebody else."""
    if inbound.user.id not in admins:
        return None
    return (
        _by_command(update_id, inbound)
        if isinstance(inbound, updates.Command)
        else _by_tap(update_id, inbound)
    )


def _by_command(update_id: int, command: updates.Command) -> BroadcastOrder | SetSwitch | None:
    if command.name in _POSITIONS:
        return _switch(_given_by(update_id, command), command.argument.strip(), _POSITIONS[command.name])
    if command.name == "broadcast" and command.html:
        html, buttons = content_of(command.html)
        return CreateBroadcast(
            **_given_by(update_id, command), html=html, buttons=buttons, photo=command.photo
        )
    number, _, text = command.html.partition(" ")
    if command.name == "edit_broadcast" and _is_number(number) and text.strip():
        html, buttons = content_of(text)
        return EditBroadcast(
            **_given_by(update_id, command), broadcast_id=int(number), html=html, buttons=buttons
        )
    return None


def _by_tap(update_id: int, tap: updates.Tap) -> BroadcastOrder | SetSwitch | None:
    if tap.data.startswith("switch:"):
        name, _, position = tap.data.removeprefix("switch:").rpartition(":")
        return _switch({**_given_by(update_id, tap), "panel_id": tap.message_id}, name, position)
    what, _, number = tap.data.removeprefix("cast:").partition(":")
    if not tap.data.startswith("cast:") or not _is_number(number):
        return None
    given = {**_given_by(update_id, tap), "panel_id": tap.message_id, "broadcast_id": int(number)}
    if what in _AUDIENCES:
        return AimBroadcast(**given, audience=BroadcastAudience(what))
    if what in set(Steering):
        return SteerBroadcast(**given, what=Steering(what))
    return None


def _switch(given: dict[str, Any], name: str, position: str) -> SetSwitch | None:
    return SetSwitch(**given, name=name, on=position == "on") if name and position in ("on", "off") else None


def _given_by(update_id: int, inbound: updates.Command | updates.Tap) -> dict[str, Any]:
    return {
        "request": f"update-{update_id}",
        "by": f"telegram:{inbound.user.id}",
        "update_id": update_id,
        "chat_id": inbound.user.id,
    }


def _is_number(text: str) -> bool:
    return text.isdecimal() and text.isascii() and len(text) <= _DIGITS_MAX
