"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def of_a_system(command: F) -> F:
    """Which system is meant, and whether scripts read the answer."""
    data = click.option(
        "--data",
        type=click.Path(path_type=Path),
        help="Data folder of the system  [default: the shop or sandbox that runs here]",
    )
    as_json = click.option("--json", "as_json", is_flag=True, help="Answer in JSON, for scripts.")
    return data(as_json(command))
