"""The files that the rules read: everything that git tracks or would add, with or without git.

A rule is a function from a `Source` to sentences; each sentence says where, what and what to do instead.
"""

import ast
import subprocess
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
PRODUCT: Final = ("domain", "runtime", "storage", "integrations", "actors", "turnpike")


@dataclass(frozen=True)
class Source:
    """A text file of the project: its path from the top and what it says."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed text of a Python file."""
        return ast.parse(self.text, self.path)

    @property
    def folder(self) -> str:
        """The top folder that the file is in, or nothing."""
        return self.path.rpartition("/")[0].partition("/")[0]

    def at(self, place: ast.AST | int, message: str) -> str:
        """A finding as editors read it: `path:line: message`."""
        line = place if isinstance(place, int) else getattr(place, "lineno", 1)
        return f"{self.path}:{line}: {message}"


Rule = Callable[[Source], Iterable[str]]


def listed_by_git() -> list[str] | None:
    """What git tracks or would add; None where the files did not come with git."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listing = subprocess.run(command, capture_output=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return None
    return listing.stdout.decode().split("\0")


def listed_by_walking() -> Iterator[str]:
    """Every file but those in folders that `.gitignore` names."""
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text().split()} | {".git"}
    for path in ROOT.rglob("*"):
        if ignored.isdisjoint(path.relative_to(ROOT).parts):
            yield path.relative_to(ROOT).as_posix()


def read(paths: Iterable[str]) -> tuple[Source, ...]:
    """The text files among the paths, in order; pictures and what is gone are left out."""
    found = []
    for path in sorted(filter(None, paths)):
        if (ROOT / path).is_file():
            raw = (ROOT / path).read_bytes()
            if b"\0" not in raw:
                found.append(Source(path, raw.decode()))
    return tuple(found)


@cache
def sources() -> tuple[Source, ...]:
    """Every text file of the project."""
    listed = listed_by_git()
    return read(listed_by_walking() if listed is None else listed)


def modules(*folders: str) -> list[Source]:
    """The Python files in these top folders; all of them if none is named."""
    return [
        source
        for source in sources()
        if source.path.endswith(".py") and (not folders or source.folder in folders)
    ]


def assert_tidy(rule: Rule, files: Iterable[Source]) -> None:
    """Fail with every finding of a rule, a line each; a rule that was given no file fails too."""
    files = list(files)
    assert files, "this rule reads no file: its list of folders or endings is out of date"
    findings = dict.fromkeys(finding for source in files for finding in rule(source))
    if findings:
        pytest.fail("\n".join(findings), pytrace=False)
