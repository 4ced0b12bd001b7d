"""Arrows between folders only point down: the table of the architecture as a test."""

import ast
from collections.abc import Iterator
from typing import Final

import pytest

from tests.tidy.sources import PRODUCT, Source, assert_tidy, modules

MAY_IMPORT: Final = {
    "domain": (),
    "runtime": (),
    "storage": ("domain",),
    "integrations": ("domain",),
    "actors": ("domain", "runtime", "storage", "integrations"),
    "turnpike": ("domain", "runtime", "storage", "integrations", "actors"),
}

OURS: Final = (*PRODUCT, "tests", "bench")


def imported(source: Source) -> Iterator[tuple[ast.stmt, str]]:
    """Every module that the file imports, by its full name, wherever in the file the import stands."""
    package = source.path.split("/")[:-1]
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            yield node, ".".join([*above, *([node.module] if node.module else [])])


def wrong_way(source: Source) -> Iterator[str]:
    """Imports that point up or across."""
    allowed = MAY_IMPORT[source.folder]
    for node, name in imported(source):
        top = name.partition(".")[0]
        if top in OURS and top != source.folder and top not in allowed:
            yield source.at(
                node,
                f"{source.folder}/ may import {', '.join(allowed) or 'nothing of ours'}, not {name}: pass what "
                "is needed as an argument, or move what joins the two to actors/",
            )


def homeless(source: Source) -> Iterator[str]:
    """Python files outside the folders that the architecture knows."""
    if source.folder not in OURS:
        yield source.at(1, f"no such folder in the architecture: choose one of {', '.join(OURS)}")


def test_arrows_between_folders_only_point_down() -> None:
    assert_tidy(wrong_way, modules(*PRODUCT))


def test_every_module_lives_in_a_folder_of_the_architecture() -> None:
    assert_tidy(homeless, modules())


@pytest.mark.parametrize(
    ("path", "text", "may"),
    [
        ("domain/plan.py", "import runtime.clock", "nothing of ours"),
        ("storage/scan.py", "from runtime import spec", "may import domain, not runtime"),
        ("integrations/xray/api.py", "def late():\n    import actors.vpn", "not actors.vpn"),
        ("runtime/actor.py", "from tests import fixtures", "not tests"),
        ("actors/vpn.py", "from turnpike.__main__ import main", "not turnpike.__main__"),
    ],
)
def test_an_arrow_that_points_up_is_found(path: str, text: str, may: str) -> None:
    assert may in "".join(wrong_way(Source(path, text)))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("integrations/xray/api.py", "from .wire import User\nfrom ..cryptopay import client"),
        ("integrations/xray/__init__.py", "from .wire import User"),
        ("storage/scan.py", "from domain.money import Money\nimport trio"),
        ("actors/vpn.py", "import domain, runtime.actor, storage, integrations.xray"),
    ],
)
def test_an_arrow_that_points_down_is_fine(path: str, text: str) -> None:
    assert not list(wrong_way(Source(path, text)))


def test_a_module_outside_the_house_is_found() -> None:
    assert "choose one of" in "".join(homeless(Source("utils/text.py", "")))
    assert "choose one of" in "".join(homeless(Source("setup.py", "")))
