"""What every file keeps to: its size, its opening words, and nothing left over or of one machine."""

import ast
import re
from collections.abc import Iterator
from typing import Final

import pytest

from tests.tidy.sources import Source, assert_tidy, modules, sources

LINES: Final = 300
LINES_AT_MOST: Final = 400

#: Files longer than LINES, and why they are still about one thing.
LONG: Final[dict[str, str]] = {}

# Spelt so that this file keeps its own rules.
_LEFT_OVER: Final = re.compile(r"\b(?:T[O]DO|FIXM[E]|X[X]X|HAC[K])\b")
_ONE_MACHINE: Final = re.compile(
    r"(?<![\w.~/-])/(?:work|root|tmp|home/\w+|Users/\w+)/[\w.]|(?:pypi|pythonhosted|npmjs)\.(?:org|com)"
)


def lines_of(pattern: re.Pattern[str], source: Source) -> Iterator[tuple[int, str]]:
    """The number of each line with a match, and the match."""
    for number, line in enumerate(source.text.splitlines(), 1):
        if found := pattern.search(line):
            yield number, found[0]


def too_long(source: Source) -> Iterator[str]:
    """Files in which two things have grown together."""
    lines = len(source.text.splitlines())
    if lines > (LINES_AT_MOST if source.path in LONG else LINES):
        yield source.at(
            lines, f"{lines} lines, at most {LINES}: see which two things it is about and part them"
        )


def unintroduced(source: Source) -> Iterator[str]:
    """Modules that do not open with what they are for."""
    if source.text and len(ast.get_docstring(source.tree) or "") < 20:
        yield source.at(1, "open the module with a docstring: what it is for, and why in this form")


def left_over(source: Source) -> Iterator[str]:
    """Words that put work off."""
    for line, word in lines_of(_LEFT_OVER, source):
        yield source.at(line, f"{word}: do it now, or write an issue and take the word out")


def of_one_machine(source: Source) -> Iterator[str]:
    """Paths and package hosts that hold on the machine of the writer only."""
    for line, found in lines_of(_ONE_MACHINE, source):
        yield source.at(
            line, f"{found} is one machine's: take it from the environment, a parameter or tmp_path"
        )


def test_every_file_is_about_one_thing() -> None:
    assert_tidy(too_long, [source for source in sources() if source.path.endswith((".py", ".sql", "run"))])


def test_every_long_file_is_still_long() -> None:
    lengths = {source.path: len(source.text.splitlines()) for source in sources()}
    assert all(lengths.get(path, 0) > LINES for path in LONG), "take what is short again out of LONG"


def test_every_module_says_what_it_is_for() -> None:
    assert_tidy(unintroduced, modules())


def test_nothing_is_put_off() -> None:
    assert_tidy(left_over, sources())


def test_nothing_belongs_to_one_machine() -> None:
    assert_tidy(of_one_machine, sources())


def test_a_long_file_is_found() -> None:
    assert "301 lines" in "".join(too_long(Source("actors/vpn.py", "x\n" * 301)))
    assert not list(too_long(Source("actors/vpn.py", "x\n" * 300)))


@pytest.mark.parametrize("text", ["x = 1", '"""."""', "# a comment\nx = 1"])
def test_a_module_without_an_introduction_is_found(text: str) -> None:
    assert len(list(unintroduced(Source("actors/vpn.py", text)))) == 1
    assert not list(unintroduced(Source("actors/vpn.py", '"""Owns all access to Xray."""')))


def test_work_put_off_is_found() -> None:
    assert "actors/vpn.py:2: TO" in "".join(left_over(Source("actors/vpn.py", "\n# TO" + "DO: later")))
    assert not list(left_over(Source("actors/vpn.py", "# method, to do, mastodons")))


@pytest.mark.parametrize("path", ["/home/ann/", "'/tmp/", "PATH=/root/", "https://py" + "pi.org/"])
def test_what_one_machine_has_is_found(path: str) -> None:
    assert len(list(of_one_machine(Source("README.md", f"{path}simple")))) == 1


def test_paths_that_any_machine_has_are_fine() -> None:
    anywhere = "/var/lib/turnpike /etc/turnpike /usr/bin/env example.org/home/x ./tmp/x /homepage/x"
    assert not list(of_one_machine(Source("README.md", anywhere)))
