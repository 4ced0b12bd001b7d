"""Every language says everything that the code asks for, with the same values, and nothing else."""

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

import pytest
from fluent.syntax import ast as fluent

from integrations.telegram.sandbox.entities import parse_html
from integrations.telegram.sandbox.errors import BotApiError
from tests.tidy.languages import Language, Use, keys, literal, parts, uses
from tests.tidy.sources import PRODUCT, Source, assert_tidy, modules, sources

_PLURALS: Final = frozenset({"zero", "one", "two", "few", "many"})


def languages() -> list[Language]:
    """Every language that there is."""
    return [Language(source) for source in sources() if source.path.endswith(".ftl")]


def asked() -> list[Use]:
    """Everything that the code asks for."""
    return [use for source in modules(*PRODUCT) for use in uses(source)]


def unreadable(language: Language) -> Iterator[str]:
    """What is not Fluent, stands twice (the second would never be read), or is more than we use of Fluent."""
    for entry in language.resource.body:
        if isinstance(entry, fluent.Junk):
            yield language.at(entry, f"{entry.annotations[0].message}, so nobody will read this")
    counts = Counter(message.id.name for message in language.messages)
    for message in language.messages:
        if counts[message.id.name] > 1:
            yield language.at(message, f"{message.id.name} stands here twice")
        for other in parts(message).others:
            yield language.at(
                message, f"{message.id.name} refers to {other}: say it in one text, with values only"
            )


def ill_matched(language: Language, wanted: Iterable[Use]) -> Iterator[str]:
    """Words that are asked for and not there, there and not asked for, or made with other values."""
    wanted = list(wanted)
    known = {message.id.name: message for message in language.messages}
    for use in wanted:
        if use.name is None or "**" in use.values:
            yield use.source.at(use.place, "write the name of the words and of each value out")
        elif use.name not in known:
            yield language.source.at(1, f"{use.name} is missing; {use.source.at(use.place, 'asks for it')}")
        elif (named := parts(known[use.name]).variables) != use.values:
            given = f"is given {sorted(use.values)} at {use.source.at(use.place, 'there')}"
            yield language.at(known[use.name], f"{use.name} uses {sorted(named)} and {given}")
    for name in known.keys() - {use.name for use in wanted}:
        yield language.at(known[name], f"nothing asks for {name}: take it out")


def without_a_plural(language: Language) -> Iterator[str]:
    """Choices by number that lack a form of the language."""
    for message in language.messages:
        for select in parts(message).selects:
            if keys(select) & _PLURALS and (lacking := language.plurals - keys(select)):
                yield language.at(select, f"{message.id.name} lacks the plural forms {sorted(lacking)}")


def not_markup(language: Language, wanted: Iterable[Use]) -> Iterator[str]:
    """Texts, or branches of them, that are not Telegram's HTML, and plain ones that look like it."""
    plain = {use.name for use in wanted if use.plain}
    for message in language.messages:
        for pattern in parts(message).patterns:
            text = literal(pattern)
            try:
                read, entities = parse_html(text)
            except BotApiError as error:
                yield language.at(message, f"{message.id.name}: {error.description}")
                continue
            if message.id.name in plain and (entities or read != text.strip()):
                yield language.at(message, f"{message.id.name} is shown as plain text and holds markup")


def findings_in(language: Language, wanted: list[Use]) -> Iterator[str]:
    """What all the rules find in a language."""
    yield from unreadable(language)
    yield from ill_matched(language, wanted)
    yield from without_a_plural(language)
    yield from not_markup(language, wanted)


def test_every_language_is_complete_and_well_formed() -> None:
    wanted = asked()
    assert len(wanted) > 1, "the code asks for words"
    assert {"en", "ru"} <= {language.code for language in languages()}
    if found := [finding for language in languages() for finding in findings_in(language, wanted)]:
        pytest.fail("\n".join(found), pytrace=False)


def spoken_in_code(source: Source) -> Iterator[str]:
    """Texts of screens and buttons that stand in the code, where no language reaches them."""
    for call in ast.walk(source.tree):
        if isinstance(call, ast.Call) and ast.unparse(call.func) in {"Button", "Markup"} and call.args:
            text = call.args[0]
            for part in text.values if isinstance(text, ast.JoinedStr) else [text]:
                if isinstance(part, ast.Constant) and re.search("[a-z]", str(part.value), re.IGNORECASE):
                    yield source.at(
                        call, f"{part.value!r} is English: move it into the files of actors/words"
                    )


def test_no_screen_speaks_past_the_languages() -> None:
    assert_tidy(spoken_in_code, [source for source in modules("actors") if "/screens/" in source.path])


@pytest.mark.parametrize("call", ['Button("Plans", data="x")', 'Button(f"Pay {x}")', 'Markup("<b>hi</b>")'])
def test_a_text_in_the_code_is_found(call: str) -> None:
    assert len(list(spoken_in_code(Source("actors/screens/x.py", call)))) == 1
    harmless = 'Button(words.plain("plans"), data="plans")\nMarkup("\\n").join(parts)'
    assert not list(spoken_in_code(Source("actors/screens/x.py", harmless)))


CODE: Final = Source(
    "actors/screens/x.py",
    'words("days", count=1)\npage.words("bold", name="x")\nself._words.plain("button")\n',
)
ENGLISH: Final = """\
days = { $count ->
    [one] { $count } day
   *[other] { $count } days
}
bold = <b>{ $name }</b> & friends
button = R&B
"""


def findings(text: str, code: str = "en") -> list[str]:
    """What the rules find in a file against `CODE`."""
    return list(findings_in(Language(Source(f"actors/words/{code}.ftl", text)), list(uses(CODE))))


def test_a_complete_file_is_fine() -> None:
    assert findings(ENGLISH) == []


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("button = R&B\n", "", "button is missing"),
        ("button = R&B\n", "button = R&B\nextra = x\n", "nothing asks for extra"),
        ("button = R&B\n", "button R&B\n", "nobody will read this"),
        ("button = R&B\n", "button = a\nbutton = b\n", "stands here twice"),
        ("button = R&B\n", "button = <i>R</i>\n", "holds markup"),
        ("button = R&B\n", "button = R&amp;B\n", "holds markup"),
        ("button = R&B\n", "button = { bold }\n", "refers to bold"),
        ("{ $name }", "{ $nmae }", "bold uses ['nmae']"),
        ("<b>{ $name }</b>", "friends", "bold uses []"),
        ("</b>", "</i>", "Unmatched end tag"),
        ("    [one] { $count } day\n", "    [one] a <b>day\n", "Can't find end tag"),
        ("    [one] { $count } day\n", "    [1] a day\n    [few] days\n", "lacks the plural forms ['one']"),
    ],
)
def test_a_broken_file_is_found(old: str, new: str, found: str) -> None:
    assert old in ENGLISH
    assert any(found in finding for finding in findings(ENGLISH.replace(old, new, 1)))


def test_russian_needs_its_own_plural_forms() -> None:
    assert any("lacks the plural forms ['few', 'many']" in finding for finding in findings(ENGLISH, "ru"))


@pytest.mark.parametrize(
    "call", ["words(name)", 'words("a" + b)', "words.plain(f'{x}')", 'words("a", **values)']
)
def test_a_name_that_is_not_written_out_is_found(call: str) -> None:
    language = Language(Source("actors/words/en.ftl", "a = x\n"))
    assert any("write the name" in finding for finding in ill_matched(language, uses(Source("a.py", call))))
