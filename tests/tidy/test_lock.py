"""The lock: what pyproject.toml asks for, all that follows from it, nothing else; with hashes, from any mirror."""

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import distribution
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.tidy.sources import ROOT, Source, assert_tidy

LOCK: Final = Source("requirements.lock", (ROOT / "requirements.lock").read_text())


def pins(lock: Source) -> Iterator[tuple[int, Requirement, int]]:
    """Each entry of a lock: its line, what it pins, and how many hashes it has."""
    logical = re.finditer(r"^(?:.*\\\n)*.+$", lock.text, re.MULTILINE)
    for entry in (found for found in logical if not found[0].startswith("#")):
        pin, *hashes = entry[0].replace("\\\n", " ").split(" --hash=sha256:")
        yield lock.text.count("\n", 0, entry.start()) + 1, Requirement(pin), len(hashes)


def loose(lock: Source) -> Iterator[str]:
    """Entries that do not decide what is installed, or decide where it comes from."""
    for number, line in enumerate(lock.text.splitlines(), 1):
        if "://" in line or line.startswith("-"):
            yield lock.at(number, f"{line.strip()}: an address would shut out every mirror; take it out")
            return
    for number, pin, hashes in pins(lock):
        if not re.fullmatch(r"==[^*,]+", str(pin.specifier)) or not hashes:
            yield lock.at(number, f"{pin.name} needs one version (==) and its hashes")


def declared() -> list[Requirement]:
    """What pyproject.toml asks for, for work and for tests."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [
        Requirement(line) for line in [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    ]


def closure(wanted: list[Requirement]) -> set[str]:
    """The names of everything that these need on this machine, themselves included."""
    names: set[str] = set()
    seen: set[str] = set()
    while wanted:
        requirement = wanted.pop()
        name = canonicalize_name(requirement.name)
        names.add(name)
        for extra in {"", *requirement.extras}:
            if f"{name}[{extra}]" not in seen:
                seen.add(f"{name}[{extra}]")
                needs = map(Requirement, distribution(name).requires or ())
                wanted += [
                    need for need in needs if not need.marker or need.marker.evaluate({"extra": extra})
                ]
    return names


def locked() -> dict[str, str]:
    """Name and version of what the lock installs on this machine."""
    return {
        canonicalize_name(pin.name): str(pin.specifier).removeprefix("==")
        for _, pin, _ in pins(LOCK)
        if not pin.marker or pin.marker.evaluate()
    }


def test_the_lock_decides_what_is_installed_and_not_from_where() -> None:
    assert_tidy(loose, [LOCK])


def test_the_lock_holds_what_the_project_asks_for_and_nothing_else() -> None:
    assert set(locked()) == closure(declared()), "lock again: CONTRIBUTING.md has the command"


def test_what_is_installed_is_what_is_locked() -> None:
    assert {name: distribution(name).version for name in locked()} == locked(), (
        "start ./run once: it installs"
    )


@pytest.mark.parametrize(
    "text",
    [
        "trio==0.35.0",
        "trio>=0.35.0 \\\n    --hash=sha256:00",
        "trio==0.* \\\n    --hash=sha256:00",
        "--index-url https://mirror.example/simple\ntrio==0.35.0 \\\n    --hash=sha256:00",
        "trio @ https://mirror.example/trio.whl \\\n    --hash=sha256:00",
    ],
)
def test_an_entry_that_leaves_something_open_is_found(text: str) -> None:
    assert len(list(loose(Source("requirements.lock", text)))) == 1


def test_an_entry_with_a_version_and_hashes_is_fine() -> None:
    text = "# made by uv\ncffi==2.1.1 ; os_name == 'nt' \\\n    --hash=sha256:00 \\\n    --hash=sha256:01\n"
    assert not list(loose(Source("requirements.lock", text)))
    assert [hashes for _, _, hashes in pins(Source("requirements.lock", text))] == [2]
