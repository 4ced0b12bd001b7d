"""The greeting, and the answer to what we do not understand."""

from actors.screens.page import Page, Told, menu, paragraphs
from domain.messages import Help, Home

Message = Home | Help


def told(message: Message, page: Page) -> Told:
    """The text and the buttons of a message."""
    words, shop = page.words, page.shop
    match message:
        case Home():
            return words("home", name=message.first_name, shop=shop.name), menu(page)
        case Help():
            support = [words("help-support", support=shop.support)] if shop.support else []
            return paragraphs(words("help"), *support), menu(page)
