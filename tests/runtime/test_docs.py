"""What the documentation says is proved is proved."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_test_that_the_documentation_names_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / "runtime.md").read_text()))
    source = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    defined = set(re.findall(r"def (test_\w+)", source))
    assert len(named) > 30
    assert named <= defined, f"not to be found: {', '.join(sorted(named - defined))}"
