"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

#: Where the key of an order is kept that is given again.
REQUEST: Final = "turnpike.request"

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


def of_an_order(command: F) -> F:
    """The same, and the key of an order that is given again because its answer was lost."""

    def keep(context: click.Context, _: click.Parameter, request: str | None) -> None:
        context.meta[REQUEST] = request

    again = click.option(
        "--request",
        expose_value=False,
        callback=keep,
        metavar="KEY",
        help="The key of an order whose answer was lost, as that said: it is done once, however often it is given.",
    )
    return of_a_system(again(command))
