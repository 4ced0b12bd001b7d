"""What people read without having asked: reminders, and what goes to many at once."""

from actors.screens.page import Page, Told, menu, renewing
from domain.messages import Announcement, EndsSoon

Message = EndsSoon | Announcement


def told(message: Message, page: Page) -> Told:
    """The text and the buttons of a message."""
    match message:
        case EndsSoon():
            text = page.words("ends-soon", title=message.title, at=message.expires_at)
            return text, (renewing(page),)
        case Announcement():
            return page.words("announcement", text=message.text), menu(page)
