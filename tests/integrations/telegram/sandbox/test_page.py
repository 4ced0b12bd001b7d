"""The page's files: everything comes from this server, and nothing that somebody wrote becomes markup."""

import re
from pathlib import Path

import pytest

import integrations.telegram.sandbox

PAGE = Path(integrations.telegram.sandbox.__file__).parent / "page"
FILES = sorted(PAGE.iterdir())


def test_the_page_is_there() -> None:
    assert {"index.html", "main.js", "theme.css"} <= {file.name for file in FILES}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_file_asks_nobody_else_for_anything(file: Path) -> None:
    text = file.read_text().replace("http://www.w3.org/2000/svg", "")
    assert re.findall(r"(?:https?:)?//[a-z0-9-]+\.[a-z]+", text) == []


@pytest.mark.parametrize("file", [f for f in FILES if f.suffix == ".js"], ids=lambda file: file.name)
def test_a_script_makes_no_markup_of_text(file: Path) -> None:
    makers = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|new Function"
    assert re.findall(makers, file.read_text()) == []


@pytest.mark.parametrize("file", [f for f in FILES if f.suffix == ".js"], ids=lambda file: file.name)
def test_a_script_imports_only_what_is_there(file: Path) -> None:
    imported = re.findall(r'from "\./([^"]+)"', file.read_text())
    assert [name for name in imported if not (PAGE / name).exists()] == []
