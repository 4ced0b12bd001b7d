"""One language for one reader: `words("paid", title=..., price=...)`.

Here, and only here, values become part of a text: everything is escaped unless its type says that it is
markup already (N8), and a name in a script that runs from right to left cannot turn the text around it.
"""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale
from fluent.runtime import FluentBundle
from markupsafe import Markup, escape

from actors.words.writing import Data, write_data, write_date, write_moment, write_money, write_zone
from domain.money import Money

#: What can be put into a text. An int chooses plural forms; `Markup` is HTML already.
Value = str | Markup | int | Money | Data | datetime | date

#: Unicode's classes of characters that run, or make others run, from right to left.
_TURNING: Final = frozenset({"R", "AL", "AN", "RLE", "RLO", "RLI", "LRE", "LRO", "LRI", "FSI", "PDF", "PDI"})
_ISOLATE: Final = "\N{FIRST STRONG ISOLATE}"
_END: Final = "\N{POP DIRECTIONAL ISOLATE}"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who is to read something; None where we do not know, and the shop's own language and time zone count."""

    language: str | None = None
    time_zone: str | None = None


class Words:
    """The words of a language with the time zone of a reader; made by `words_in`."""

    def __init__(self, language: str, bundles: Sequence[FluentBundle], zone: ZoneInfo) -> None:
        """`bundles` are the language's own and those that stand in for what it lacks."""
        self.language: Final = language
        self._bundles: Final = bundles
        self.time_zone: Final = zone
        self._locale: Final = Locale.parse(language, sep="-")

    def __call__(self, name: str, /, **values: Value) -> Markup:
        """A text in Telegram's HTML; raises `LookupError` if no language has the name, or needs other values."""
        return Markup(self._format(name, values, escape))

    def plain(self, name: str, /, **values: Value) -> str:
        """A text without markup, for buttons, invoices and menus; raises as above."""
        return self._format(name, values, str)

    def money(self, amount: Money) -> str:
        """An amount as the language writes it."""
        return write_money(amount, self._locale)

    def moment(self, moment: datetime) -> str:
        """A moment on the reader's clock."""
        return write_moment(moment, self._locale, self.time_zone)

    def zone(self, name: str) -> str:
        """A time zone (an IANA name) by its city."""
        return write_zone(name, self._locale)

    def _format(self, name: str, values: Mapping[str, Value], safe: Callable[[str], str]) -> str:
        written = {key: self._written(value, safe) for key, value in values.items()}
        problems: list[Exception] = []
        for bundle in self._bundles:
            if not bundle.has_message(name):
                continue
            pattern = bundle.get_message(name).value
            if pattern is None:
                continue
            text, errors = bundle.format_pattern(pattern, written)
            if not errors:
                return str(text)
            problems += errors
        raise LookupError(f"no language has words for {name!r} with {sorted(values)}: {problems}")

    def _written(self, value: Value, safe: Callable[[str], str]) -> str | int:
        match value:
            case int() | Markup():
                return value
            case Money():
                return self.money(value)
            case Data():
                return write_data(value, self._locale)
            case datetime():
                return self.moment(value)
            case date():
                return write_date(value, self._locale)
            case str():
                return str(_isolated(safe(value)))


def _isolated(text: str) -> str:
    """The text, kept from turning its neighbours if anything in it runs from right to left."""
    if any(unicodedata.bidirectional(character) in _TURNING for character in text):
        return f"{_ISOLATE}{text}{_END}"
    return text
