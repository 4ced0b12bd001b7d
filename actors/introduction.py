"""How the bot introduces itself before anybody has written to it: its description and its menu, in every language."""

from actors.screens import Shop
from actors.words import Recipient, Words, languages
from integrations.telegram.bot import TrioBot

#: Telegram tells languages apart by ISO 639-1 here; others see what is there for everybody.
_CODE_LENGTH = 2


async def introduce(bot: TrioBot, shop: Shop) -> None:
    """Set description and menu; for everybody in the shop's language. Raises `TelegramError`."""
    for language in (None, *languages()):
        if language is None or len(language) == _CODE_LENGTH:
            words = shop.words_for(Recipient(language))
            await bot.set_my_commands(
                _commands(words, shop.catalogue.referral is not None), language_code=language
            )
            await bot.set_my_description(words.plain("description"), language_code=language)


def _commands(words: Words, invites: bool) -> list[tuple[str, str]]:
    return [
        ("plans", words.plain("command-plans")),
        ("me", words.plain("command-me")),
        ("balance", words.plain("command-balance")),
        ("gift", words.plain("command-gift")),
        ("code", words.plain("command-code")),
        *([("invite", words.plain("command-invite"))] if invites else []),
        ("language", words.plain("command-language")),
        ("help", words.plain("command-help")),
    ]
