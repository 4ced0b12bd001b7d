"""The table of requirements, the marker, and `pytest --requirements` on a small suite of its own."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.fixtures.requirements import chapters, faults, identifiers, render
from tests.tidy.sources import ROOT, Source, modules

#: What an installed shop still lacks; nothing else may be without a test.
TO_COME = {"O5", "O6", "O7", "O8"}

DESIGN = ROOT.parent / "shared" / "design" / "requirements.md"


def run_suite(folder: Path, tests: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run pytest with the plugin in a folder that holds these tests and nothing else."""
    (folder / "test_shop.py").write_text(f"import pytest\nproves = pytest.mark.requirement\n{tests}")
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = requirement\n")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.fixtures.requirements", *options],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_table_is_told_without_running_a_test(tmp_path: Path) -> None:
    result = run_suite(tmp_path, "@proves('F1', 'F2')\ndef test_sold(): assert False\n", "--requirements")
    assert result.returncode == pytest.ExitCode.TESTS_FAILED, result.stdout
    assert re.search(
        r"F1 +.+\n +test_shop.py::test_sold\n +F2 .+\n +test_shop.py::test_sold\n", result.stdout
    )
    assert re.search(r"F3 .+ no test\n", result.stdout)
    assert f"2 of {len(identifiers())} requirements have a test." in result.stdout
    assert "Without a test: W1 W2 " in result.stdout
    assert re.search(r"^F3 \(.+\) has no test: mark the one that proves it$", result.stdout, re.MULTILINE)
    assert "O5 (" not in result.stdout, "it is still to come"


def test_the_table_fails_until_every_row_that_is_not_still_to_come_has_a_test(tmp_path: Path) -> None:
    def told(rows: Iterable[str]) -> tuple[int, str]:
        marker = ", ".join(map(repr, sorted(rows)))
        result = run_suite(tmp_path, f"@proves({marker})\ndef test_all(): assert False\n", "--requirements")
        return result.returncode, result.stdout

    due = identifiers() - TO_COME
    assert told(due)[0] == pytest.ExitCode.OK
    for row in ("P3", "W1"):
        status, said = told(due - {row})
        assert (status, f"{row} (" in said) == (pytest.ExitCode.TESTS_FAILED, True)
    status, said = told({*due, "O5"})
    assert status == pytest.ExitCode.TESTS_FAILED
    assert "O5 has a test now: take its `to_come` out of docs/requirements.toml" in said


def test_every_row_of_the_project_has_a_test() -> None:
    assert faults({identifier: ["a test"] for identifier in marked(modules("tests"))}) == []


def marked(tests: Iterable[Source]) -> set[str]:
    """The identifiers in the markers of some files, found without importing them."""
    calls = [node for source in tests for node in ast.walk(source.tree) if isinstance(node, ast.Call)]
    markers = [
        call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "requirement"
    ]
    return {each.value for call in markers for each in call.args if isinstance(each, ast.Constant)}  # type: ignore[misc]


def test_what_is_still_to_come_is_told_with_what_is_missing() -> None:
    rows = {identifier: row for chapter in chapters().values() for identifier, row in chapter.items()}
    assert {identifier for identifier, row in rows.items() if row.to_come} == TO_COME
    assert all(rows[identifier].to_come.endswith(".") for identifier in TO_COME)


def test_without_the_option_the_tests_run(tmp_path: Path) -> None:
    result = run_suite(tmp_path, "@proves('F1')\ndef test_sold(): pass\n")
    assert result.returncode == 0, result.stdout
    assert "1 passed" in result.stdout
    assert "requirements have a test" not in result.stdout


@pytest.mark.parametrize("marker", ["@proves('F1', 'F99')", "@proves()", "@proves(1)"])
def test_an_unknown_identifier_stops_the_collection(tmp_path: Path, marker: str) -> None:
    result = run_suite(tmp_path, f"{marker}\ndef test_sold(): pass\n", "-k", "nothing_of_this_name")
    assert result.returncode == pytest.ExitCode.USAGE_ERROR
    assert re.search(r"does not have: (F99|\(no identifier\)|1) in test_shop.py::test_sold", result.stderr)


def test_a_module_that_does_not_import_still_fails(tmp_path: Path) -> None:
    assert (
        run_suite(tmp_path, "import no_such_module\n", "--requirements").returncode
        == pytest.ExitCode.INTERRUPTED
    )


def test_a_parametrized_test_is_told_once(tmp_path: Path) -> None:
    test = "@proves('R8')\n@pytest.mark.parametrize('way', [1, 2])\ndef test_paid(way): pass\n"
    assert run_suite(tmp_path, test, "--requirements").stdout.count("test_shop.py::test_paid") == 1


def test_every_row_proved_leaves_nothing_to_list() -> None:
    told = "\n".join(render({identifier: ["test_all"] for identifier in identifiers()}))
    assert "no test" not in told
    assert "Without" not in told


def test_every_row_says_something() -> None:
    for rows in chapters().values():
        for identifier, row in rows.items():
            assert re.fullmatch(r"[A-Z]\d{1,2}", identifier)
            assert 0 < len(row.title) < 46, identifier
            assert row.guarantee.endswith("."), identifier


@pytest.mark.skipif(not DESIGN.exists(), reason="the design's own table is not beside this checkout")
def test_the_rows_are_those_of_the_design() -> None:
    text = DESIGN.read_text()
    rows = set(re.findall(r"^\| ([A-Z]\d+) \|", text, re.MULTILINE))
    of_every_worker = set(re.findall(r"\b(W1\d) ", text))
    assert identifiers() == rows | of_every_worker
