"""The table of requirements, the marker, and `pytest --requirements` on a small suite of its own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fixtures.requirements import chapters, identifiers, render
from tests.tidy.sources import ROOT

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
    assert result.returncode == 0, result.stdout
    assert re.search(
        r"F1 +.+\n +test_shop.py::test_sold\n +F2 .+\n +test_shop.py::test_sold\n", result.stdout
    )
    assert re.search(r"F3 .+ no test\n", result.stdout)
    assert f"2 of {len(identifiers())} requirements have a test." in result.stdout
    assert "Without a test: W1 W2 " in result.stdout


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
