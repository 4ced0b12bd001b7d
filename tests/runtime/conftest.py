"""What the tests of the runtime share."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

import pytest
import structlog


@pytest.fixture(autouse=True)
def reports() -> Iterator[list[MutableMapping[str, Any]]]:
    """What was logged, instead of printing it."""
    with structlog.testing.capture_logs() as entries:
        yield entries


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a control socket may be."""
    tmp_path.chmod(0o700)
    return tmp_path / "control.sock"
