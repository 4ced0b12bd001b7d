"""`turnpike broadcast`: saying something to many people at once, and steering it while it goes out."""

from pathlib import Path
from typing import Any, Final

import click

from turnpike.options import of_a_system

_number = click.argument("number", type=int)
_text = click.option(
    "--text",
    help="Telegram's HTML; last lines such as 'Our channel - https://t.me/ours' are buttons  [default: from stdin]",
)
_AUDIENCES: Final = ["everyone", "without", "active", "trial", "expired"]


def _do(command: str, data: Path | None, as_json: bool, *arguments: Any) -> None:
    from turnpike import broadcasting, operating

    operating.run(getattr(broadcasting, command), data, as_json, *arguments)


@click.group()
def broadcast() -> None:
    """Say something to many people at once."""


@broadcast.command("create")
@_text
@click.option("--photo", help="A picture: its https address, or its file_id at Telegram.")
@click.option(
    "--to",
    "audience",
    type=click.Choice(_AUDIENCES),
    default="everyone",
    show_default=True,
    help="Everyone, or those without a running subscription, with a paid one, on trial, or whose time has ended.",
)
@click.option("--plan", help="Only who has this plan.")
@click.option("--language", help="Only who reads this language, such as ru.")
@click.option("--node", help="Only who is on this node.")
@click.option(
    "--ids",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Only the Telegram ids in the first column of this CSV file.",
)
@of_a_system
def create(text: str | None, ids: Path | None, data: Path | None, as_json: bool, **fields: Any) -> None:
    """Make a draft; it reaches nobody until it is started."""
    _do("create", data, as_json, text, ids, fields)


@broadcast.command("edit")
@_number
@_text
@of_a_system
def edit(number: int, text: str | None, data: Path | None, as_json: bool) -> None:
    """Give a draft, or everybody who has it already, another text."""
    _do("edit", data, as_json, number, text)


@broadcast.command("preview")
@_number
@click.argument("user", type=int)
@of_a_system
def preview(number: int, user: int, data: Path | None, as_json: bool) -> None:
    """Send it to one USER who has written to the bot, such as yourself."""
    _do("preview", data, as_json, number, user)


@broadcast.command("status")
@click.argument("number", type=int, required=False)
@of_a_system
def status(number: int | None, data: Path | None, as_json: bool) -> None:
    """The newest broadcasts, or one of them, with what became of its messages."""
    _do("show", data, as_json, number)


def _steering(name: str, said: str, text: str) -> None:
    def command(number: int, data: Path | None, as_json: bool) -> None:
        _do("steer", data, as_json, number, name, said)

    command.__doc__ = text
    broadcast.command(name)(_number(of_a_system(command)))


_steering("start", "starts", "Send a draft to everybody whom it is for.")
_steering("pause", "pauses", "Send nothing more of it until it is resumed.")
_steering("resume", "goes on", "Go on where it was paused.")
_steering("cancel", "is cancelled", "Send nothing more of it ever.")
_steering(
    "delete", "is deleted for everybody", "Take it back from everybody; Telegram allows that for 48 hours."
)
