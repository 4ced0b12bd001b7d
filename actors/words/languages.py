"""The languages that there are, read once from the folder of this module, and which of them serves a reader."""

from functools import cache
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo

from fluent.runtime import FluentBundle, FluentResource
from fluent.syntax import ast

from actors.words.words import Recipient, Words

#: Stands in for what another language lacks.
_FIRST: Final = "en"


class MalformedWords(ValueError):
    """A language's file cannot be read; the message says where."""


@cache
def languages() -> tuple[str, ...]:
    """The languages that have a file, as Telegram names them (`en`, `pt-br`), in alphabetical order."""
    return tuple(sorted(_bundles()))


def language_named(code: str | None, default: str) -> str:
    """The language for a code of Telegram's: itself, or without its region (`pt-br` is `pt`), or the default."""
    wanted = (code or "").lower().replace("_", "-")
    known = languages()
    for language in (wanted, wanted.partition("-")[0], default):
        if language in known:
            return language
    return _FIRST


def words_in(recipient: Recipient, *, language: str, time_zone: str) -> Words:
    """The words for a reader; `language` and `time_zone` (an IANA name) are the shop's, for readers without."""
    found = language_named(recipient.language, language)
    stand_ins = dict.fromkeys((found, language_named(None, language), _FIRST))
    bundles = [_bundles()[each] for each in stand_ins]
    return Words(found, bundles, ZoneInfo(recipient.time_zone or time_zone))


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


@cache
def _bundles() -> dict[str, FluentBundle]:
    bundles = {}
    for file in files("actors.words").iterdir():
        if file.name.endswith(".ftl"):
            language = file.name.removesuffix(".ftl")
            # Isolation is ours (`words.py`): marks around every value would be copied together with keys.
            bundles[language] = FluentBundle([language], use_isolating=False)
            bundles[language].add_resource(parse(file.name, file.read_text(encoding="utf-8")))
    return bundles
