"""Linter, formatter and types are tests like any other: one command, one verdict, every failure in its closing line."""

import subprocess
import sys

import pytest

from tests.tidy.sources import ROOT


@pytest.mark.parametrize(
    "check",
    ["ruff check --no-fix", "ruff format --check", "mypy"],
    ids=lambda check: check.replace(" ", "-"),
)
def test_the_whole_project_passes(check: str) -> None:
    result = subprocess.run(
        [sys.executable, "-m", *check.split()],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=600,
    )
    if result.returncode:
        pytest.fail(f"{check}\n{result.stdout}", pytrace=False)
