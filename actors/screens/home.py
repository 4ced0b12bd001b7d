"""The greeting, the answer to what we do not understand, and what a person can choose for themselves."""

from actors.screens.page import Page, Told, menu, paragraphs, to_menu
from actors.words import languages, write_language
from domain.messages import Choices, Help, Home
from integrations.telegram.outgoing import Button, Buttons

Message = Home | Help | Choices

#: Buttons beside each other.
_COLUMNS = 2


def told(message: Message, page: Page) -> Told:
    """The text and the buttons of a message."""
    words, shop = page.words, page.shop
    match message:
        case Home():
            return words("home", name=message.first_name, shop=shop.name), menu(page)
        case Help():
            support = [words("help-support", support=shop.support)] if shop.support else []
            return paragraphs(words("help"), *support), menu(page)
        case Choices():
            zone = words.zone(words.time_zone.key)
            return words("choices", language=write_language(words.language), zone=zone), _choices(page)


def _choices(page: Page) -> Buttons:
    words = page.words
    spoken = [
        Button(write_language(code), data=f"choose:language:{code}")
        for code in languages()
        if code != words.language
    ]
    zones = [
        Button(words.zone(name), data=f"choose:time_zone:{name}")
        for name in page.shop.time_zones
        if name != words.time_zone.key
    ]
    return (*_rows(spoken), *_rows(zones), to_menu(page))


def _rows(buttons: list[Button]) -> Buttons:
    return tuple(tuple(buttons[at : at + _COLUMNS]) for at in range(0, len(buttons), _COLUMNS))
