"""Showing the messages to one person: a table for people, a line of JSON for each message for scripts."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Final

import click
import msgspec

from actors.correspondence import PAGE, Correspondence, MessageRow
from turnpike.asking import ask_desk
from turnpike.words import NOTHING, Cell, distance, number, printable, table

_HEADS: Final = ["message", "written", "kind", "state", "", "tries", "what went wrong"]

_COLOURS: Final = {
    "sent": "green",
    "pending": "yellow",
    "sending": "cyan",
    "failed": "red",
    "unknown": "magenta",
    "dropped": "bright_black",
}
_WORDS: Final = {"pending": "waiting", "unknown": "perhaps sent"}


async def show_messages(path: Path, as_json: bool, user: int, before: int | None, everything: bool) -> int:
    """Print the newest messages, or all of them page by page."""
    first, last = True, before
    while True:
        question = {"ask": "messages", "user_id": user, **({} if last is None else {"before": last})}
        page = await ask_desk(path, question, Correspondence)
        _show(page, user, as_json, first=first)
        if len(page.messages) < PAGE:
            return 0
        first, last = False, page.messages[-1].id
        if not everything:
            if not as_json:
                _say(f"Older ones: turnpike messages {user} --before {last}, or --all")
            return 0


def _show(page: Correspondence, user: int, as_json: bool, *, first: bool) -> None:
    if as_json:
        for message in page.messages:
            click.echo(msgspec.json.encode(message).decode())
        return
    if first:
        _say(_addressee(page, user))
    if page.messages:
        for line in table(_HEADS, [_row(message, page.at) for message in page.messages]):
            _say(line)


def _addressee(page: Correspondence, user: int) -> str:
    who = page.addressee
    if who is None:
        return f"User {user} has never written to the bot."
    name = f"{printable(who.first_name)} ({user})"
    if who.unreachable_since is not None:
        return click.style(f"{name} cannot be reached: {distance(who.unreachable_since, page.at)}", fg="red")
    return name if page.messages else f"{name} was not told anything yet."


def _row(message: MessageRow, at: datetime) -> list[Cell]:
    when = message.settled_at if message.settled_at is not None else message.not_before
    waits = message.state != "pending" or message.attempts > 0 or message.not_before > at
    return [
        number(message.id),
        Cell(distance(message.created_at, at)),
        Cell(message.kind.replace("_", " ")),
        Cell(_WORDS.get(message.state, message.state), _COLOURS.get(message.state)),
        Cell(distance(when, at) if waits else NOTHING),
        number(message.attempts),
        Cell(printable(message.error or "")),
    ]


def _say(line: str) -> None:
    click.echo(line, color=None if sys.stdout.isatty() else False)
