"""What every screen is made with, and the parts that several share."""

from dataclasses import dataclass

from markupsafe import Markup

from actors.screens.shop import Shop
from actors.words import Words
from domain.money import Money
from integrations.telegram.outgoing import Button, Buttons

#: The text of a screen with its buttons. A plain string is no text: what people typed could be in it (N8).
Told = tuple[Markup, Buttons]


@dataclass(frozen=True, slots=True)
class Page:
    """For whom a screen is made, and of which shop."""

    chat: int
    shop: Shop
    words: Words

    def title(self, title: str) -> str:
        """The title of something sold, in the reader's language if the configuration has it."""
        return self.shop.catalogue.title_in(self.words.language, title)


def paragraphs(*parts: Markup) -> Markup:
    """Parts of a text with an empty line between them."""
    return Markup("\n\n").join(parts)


def on_its_way(page: Page, text: Markup, delayed: bool) -> Markup:
    """A text that ends with a key being on its way, and that it takes longer than usual if it does."""
    return paragraphs(text, page.words("key-delayed")) if delayed else text


def menu(page: Page) -> Buttons:
    """The main menu."""
    words = page.words
    return (
        (Button(words.plain("button-plans"), data="show:plans"),),
        (
            Button(words.plain("button-account"), data="show:account"),
            Button(words.plain("button-balance"), data="show:top_ups"),
        ),
        *_extras(page),
    )


def _extras(page: Page) -> Buttons:
    """Gifts and codes, inviting where it earns something, and what people choose for themselves."""
    words = page.words
    gifts = Button(words.plain("button-gifts"), data="show:gifts")
    code = Button(words.plain("button-code"), data="show:code")
    choices = Button(words.plain("button-choices"), data="show:choices")
    if page.shop.catalogue.referral is None:
        return ((gifts, code), (choices,))
    return ((gifts, code), (Button(words.plain("button-invite"), data="show:invite"), choices))


def to_menu(page: Page) -> tuple[Button, ...]:
    """The row that leads back to the main menu."""
    return (Button(page.words.plain("button-menu"), data="show:home"),)


def renewing(page: Page) -> tuple[Button, ...]:
    """The row that leads to the plans once more."""
    return (Button(page.words.plain("button-renew"), data="show:plans"),)


def renewing_at_once(page: Page, price: Money, period: int) -> tuple[Button, ...]:
    """The row that renews in one tap, for as long as this is the last period."""
    return (Button(page.words.plain("button-renew-for", price=price), data=f"renew:{period}"),)
