"""What people are told of what is switched off for a while, and the panel of whoever switches it."""

import msgspec

from domain.messages.base import Message


class PaymentsOff(Message, frozen=True, kw_only=True, tag="payments_off"):
    """Nothing can be bought just now."""


class SignUpsOff(Message, frozen=True, kw_only=True, tag="sign_ups_off"):
    """Nobody new is served just now."""


class SwitchPanel(Message, frozen=True, kw_only=True, tag="switch_panel"):
    """The switches of the shop: the names of what is off, functions and workers."""

    off: list[str] = msgspec.field(default_factory=list)
