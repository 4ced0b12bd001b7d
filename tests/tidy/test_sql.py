"""SQL gets the moment and every chance value as parameters, so that a run can be simulated and repeated."""

import ast
import re
from collections.abc import Iterator
from typing import Final

import pytest

from tests.tidy.sources import Source, assert_tidy, modules, sources

#: How SQL asks the server for the time or for chance.
_SERVER: Final = re.compile(
    r"\b(?:now|(?:clock|statement|transaction)_timestamp|random|gen_random_uuid|uuidv[47])\s*\(\s*\)"
    r"|\b(?:current_(?:date|timestamp)|localtimestamp)\b",
    re.IGNORECASE,
)

#: Files whose SQL may, and why no decision hangs on it.
OPEN: Final = {"storage/migrate.py": "when a migration was applied is for people to read"}


def statements(source: Source) -> Iterator[tuple[int, str]]:
    """What the server gets to read: a migration without its comments, a module's strings without its docstrings."""
    if source.path.endswith(".sql"):
        for number, line in enumerate(source.text.splitlines(), 1):
            yield number, line.partition("--")[0]
        return
    prose = {id(node.value) for node in ast.walk(source.tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node.lineno, node.value


def asks_the_server(source: Source) -> Iterator[str]:
    """SQL that takes the time or chance from the server."""
    for line, text in statements(source):
        for found in _SERVER.finditer(text):
            yield source.at(line, f"{found[0]} in SQL: pass the command's moment or the value as a parameter")


def sql() -> list[Source]:
    """Where SQL is written."""
    return [source for source in sources() if source.path.endswith(".sql")] + modules("storage", "actors")


def test_sql_takes_time_and_chance_as_parameters() -> None:
    assert_tidy(asks_the_server, [source for source in sql() if source.path not in OPEN])


def test_every_exception_is_still_needed() -> None:
    assert set(OPEN) <= {source.path for source in sql() if any(asks_the_server(source))}


@pytest.mark.parametrize(
    "text", ["ends_at < now()", "default CURRENT_TIMESTAMP", "select gen_random_uuid ()"]
)
def test_sql_that_asks_the_server_is_found(text: str) -> None:
    assert len(list(asks_the_server(Source("storage/migrations/0001.sql", f"-- {text}\n{text}")))) == 1
    assert len(list(asks_the_server(Source("storage/scan.py", f'"""{text}"""\nSCAN = f"{{x}} {text}"')))) == 1


def test_what_only_looks_like_it_is_fine() -> None:
    assert not list(
        asks_the_server(Source("storage/scan.py", 'moment = self.now()\nX = "known(), renow() %(now)s"'))
    )
