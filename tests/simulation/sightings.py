"""What was seen, named: which message it is and in which language, by words that stand in it alone."""

import re
from typing import Final

from tests.simulation.telegram import Sighting

#: By kind: what the text of a message matches, in English and in Russian.
WORDS: Final = {
    "home": ("^👋 Hello, ", "^👋 Здравствуйте, "),
    "plans": ("^🛒 Plans", "^🛒 Тарифы"),
    "ways_to_pay": (r"^1 (week|month) for [\d ]+ ₽", r"^1 (неделя|месяц) за [\d ]+ ₽"),
    "ways_to_pay_gift": ("^🎁 A gift: ", "^🎁 Подарок: "),
    "ways_to_pay_top_up": ("^💰 Top-up of 500 ₽.\nHow", "^💰 Пополнение на 500 ₽.\nКак"),
    "invoice": (r"^Turnpike VPN: 1 (week|month)$", r"^Turnpike VPN: 1 (неделя|месяц)$"),
    "crypto_invoice": ("an invoice for", "счёт на"),
    "top_ups": ("^💰 Your balance is", "^💰 На вашем балансе"),
    "topped_up": ("^🎉 500 ₽ added", "^🎉 Баланс пополнен на 500 ₽"),
    "gifts": ("^🎁 Give access", "^🎁 Подарить доступ"),
    "gift_ready": (r"^🎁 Paid: 1 week for .*\n", r"^🎁 Оплачено: 1 неделя за .*\n"),
    "gift_redeemed": ("^🎁 A gift for you: 1 week", "^🎁 Вам подарок: «1 неделя»"),
    "gift_taken": ("^🎁 Your gift was redeemed", "^🎁 Ваш подарок получен"),
    "reward_earned": ("^🤝 (Welcome|Somebody)", "^🤝 (Приветственный|Ваш гость)"),
    "trial_started": ("^🎁 3 days free has begun", "^🎁 Пробный доступ «3 дня бесплатно» открыт"),
    "access_ready": ("^✅ You are connected until", "^✅ Вы подключены до"),
    "paid": ("^🎉 Paid: 1", "^🎉 Оплачено: 1"),
    "renewed": ("^🔄 .* was renewed", "^🔄 Доступ .* продлён"),
    "renewal_short": ("^⚠️ .* does not cover", "^⚠️ Доступ .* не хватает"),
    "over": ("^⏳ 1 .* is over", "^⏳ Доступ «1 .* закончился, ключ"),
    "trial_over": ("^⏳ 3 days free is over", "^⏳ Доступ «3 дня бесплатно» закончился, ключ"),
    "ends_soon": ("^⏰ 1 .*ends on .*\nRenew now", "^⏰ Доступ «1 .*закончится .*\nПродлите"),
    "ends_soon_short": ("^⏰ 1 .* is missing", "^⏰ Доступ «1 .*не хватает"),
    "trial_ends_soon": ("^⏰ 3 days free ends on", "^⏰ Пробный доступ .* закончится"),
    "come_back": ("^👋 1 .*ended on", "^👋 Доступ «1 .*закончился"),
    "trial_come_back": ("^👋 3 days free ended on", "^👋 Пробный доступ .* закончился"),
}
KINDS: Final = WORDS.keys()
_SPACES: Final = re.compile("[\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}]")
_KNOWN: Final = [
    (kind, language, re.compile(words))
    for kind, both in WORDS.items()
    for language, words in zip(("en", "ru"), both, strict=True)
]


def spaced(text: str) -> str:
    """With plain spaces for those that do not break."""
    return _SPACES.sub(" ", text)


def named(sighting: Sighting) -> tuple[str, str]:
    """The kind and the language of what was seen; what nothing or more than one thing matches is shown as it is."""
    text = spaced(sighting.text)
    found = [(kind, language) for kind, language, words in _KNOWN if words.search(text)]
    return found[0] if len(found) == 1 else (f"{found}: {text}", "?")
