"""The languages that there are, read once from a folder with a file for each, and which of them serves a reader."""

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final
from zoneinfo import ZoneInfo

from fluent.runtime import FluentBundle, FluentResource
from fluent.syntax import ast

from actors.words.words import Recipient, Words

#: Stands in for what another language lacks.
_FIRST: Final = "en"


class MalformedWords(ValueError):
    """A language's file cannot be read; the message says where."""


class Languages:
    """The languages of a folder, each in `CODE.ftl`, where CODE is Telegram's (`en`, `pt-br`)."""

    def __init__(self, folder: Traversable) -> None:
        """Read all files; raises `MalformedWords`."""
        self._bundles: dict[str, FluentBundle] = {}
        for file in folder.iterdir():
            if file.name.endswith(".ftl"):
                code = file.name.removesuffix(".ftl")
                # Isolation is ours (`words.py`): marks around every value would be copied together with keys.
                self._bundles[code] = FluentBundle([code], use_isolating=False)
                self._bundles[code].add_resource(parse(file.name, file.read_text(encoding="utf-8")))
        self.codes: Final = tuple(sorted(self._bundles))

    def named(self, code: str | None, default: str) -> str:
        """The language for a code of Telegram's: itself, or without its region (`pt-br` is `pt`), or the default."""
        wanted = (code or "").lower().replace("_", "-")
        for language in (wanted, wanted.partition("-")[0], default):
            if language in self._bundles:
                return language
        return _FIRST

    def words_in(self, recipient: Recipient, *, language: str, time_zone: str) -> Words:
        """The words for a reader; `language` and `time_zone` (an IANA name) are the shop's, for readers without."""
        found = self.named(recipient.language, language)
        stand_ins = dict.fromkeys((found, self.named(None, language), _FIRST))
        bundles = [self._bundles[each] for each in stand_ins]
        return Words(found, bundles, ZoneInfo(recipient.time_zone or time_zone))


@cache
def all_languages() -> Languages:
    """The languages of this folder."""
    return Languages(files("actors.words"))


def languages() -> tuple[str, ...]:
    """The codes of the languages that there are, in alphabetical order."""
    return all_languages().codes


def words_in(recipient: Recipient, *, language: str, time_zone: str) -> Words:
    """The words for a reader; `language` and `time_zone` (an IANA name) are the shop's, for readers without."""
    return all_languages().words_in(recipient, language=language, time_zone=time_zone)


def parse(name: str, source: str) -> ast.Resource:
    """Read the text of one file; raises `MalformedWords` with the line of the first mistake."""
    resource = FluentResource(source)
    for entry in resource.body:
        if isinstance(entry, ast.Junk):
            [mistake, *_] = entry.annotations
            start = mistake.span.start if mistake.span else 0
            line = source.count("\n", 0, start) + 1
            raise MalformedWords(f"{name}:{line}: {mistake.message}, expected Fluent's syntax")
    return resource
