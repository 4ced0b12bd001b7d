"""What people read without having asked: that their access ends, or has ended."""

from actors.screens.page import Page, Told, renewing, renewing_at_once
from domain.messages import ComeBack, EndsSoon
from integrations.telegram.outgoing import Button

Message = EndsSoon | ComeBack


def told(message: Message, page: Page) -> Told:
    """The text and the buttons of a message."""
    words = page.words
    match message:
        case EndsSoon(title=title, expires_at=ends_at, trial=True):
            return words("trial-ends-soon", title=title, at=ends_at), (renewing(page),)
        case EndsSoon(title=title, expires_at=ends_at, missing=None):
            return words("ends-soon", title=title, at=ends_at), (_renewing(message, page),)
        case EndsSoon(title=title, expires_at=ends_at, missing=missing):
            assert missing is not None, "the case above has none"
            top_up = (Button(words.plain("button-top-up"), data="show:top_ups"),)
            return words("ends-soon-short", title=title, at=ends_at, missing=missing), (
                top_up,
                renewing(page),
            )
        case ComeBack(title=title, expires_at=ended_at, trial=True):
            return words("trial-come-back", title=title, at=ended_at), (renewing(page),)
        case ComeBack(title=title, expires_at=ended_at):
            return words("come-back", title=title, at=ended_at), (_renewing(message, page),)


def _renewing(message: EndsSoon | ComeBack, page: Page) -> tuple[Button, ...]:
    if message.price is None:
        return renewing(page)
    return renewing_at_once(page, message.price, message.period)
