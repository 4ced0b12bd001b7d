"""What is switched off for a while, as people are told, and the panel that switches it."""

from markupsafe import Markup

from actors.screens.page import Page, Told, menu, paragraphs
from domain.entities import Function
from domain.messages import PaymentsOff, SignUpsOff, SwitchPanel
from integrations.telegram.outgoing import Button

Message = PaymentsOff | SignUpsOff | SwitchPanel

#: Workers whose switch is a button too.
_WORKERS = ("auto_renewal",)


def told(message: Message, page: Page) -> Told:
    """The text and the buttons of a message."""
    match message:
        case PaymentsOff():
            return page.words("payments-off"), menu(page)
        case SignUpsOff():
            return page.words("sign-ups-off"), ()
        case SwitchPanel(off=off):
            return _panel(off, page)


def _panel(off: list[str], page: Page) -> Told:
    words = page.words
    named = [*Function, *_WORKERS]
    lines = [words("switch", name=name, position="off" if name in off else "on") for name in named]
    lines += [words("switch-worker", name=name) for name in off if name not in named]
    buttons = tuple(
        (
            Button(words.plain("button-switch-on", name=name), data=f"switch:{name}:on")
            if name in off
            else Button(words.plain("button-switch-off", name=name), data=f"switch:{name}:off"),
        )
        for name in named
    )
    text = paragraphs(words("switches"), Markup("\n").join(lines), words("switches-how"))
    return text, buttons
