"""Carrying out `turnpike broadcast`: ask the desk of the running system, and show its answer."""

import csv
import sys
from pathlib import Path
from secrets import token_hex
from typing import Any, Final

import click
import msgspec

from actors.announcing import content_of
from actors.broadcast_list import BroadcastRow
from runtime.control_client import Refused
from turnpike.asking import ask_desk, give
from turnpike.words import NOTHING, Cell, number, table

#: Ids in one order: a question over the control socket is no longer than its line may be.
_IDS_AT_ONCE: Final = 2000

_HEADS: Final = ["broadcast", "state", "for", "reaches", "sent", "blocked", "failed", "changed", "text"]

_TEXT_SHOWN: Final = 40


async def create(
    path: Path, as_json: bool, text: str | None, ids: Path | None, fields: dict[str, Any]
) -> int:
    """Make a draft."""
    listed = [] if ids is None else _ids_in(ids)
    if listed:
        fields["audience"] = "listed"
    content = _content(text)
    answer = await _order(path, "CreateBroadcast", {**content, **fields})
    made = answer["number"]
    for at in range(0, len(listed), _IDS_AT_ONCE):
        part = {"broadcast_id": made, "user_ids": listed[at : at + _IDS_AT_ONCE]}
        await _order(path, "ListRecipients", part)
    _say(as_json, answer, f"broadcast {made} is a draft; see it with: turnpike broadcast preview {made} USER")
    return 0


async def edit(path: Path, as_json: bool, broadcast: int, text: str | None) -> int:
    """Change its text."""
    answer = await _order(path, "EditBroadcast", {"broadcast_id": broadcast, **_content(text)})
    _say(as_json, answer, f"broadcast {broadcast} has its new text")
    return 0


async def preview(path: Path, as_json: bool, broadcast: int, user: int) -> int:
    """Send it to one person."""
    fields = {"broadcast_id": broadcast, "what": "preview", "chat_id": user}
    _say(as_json, await _order(path, "SteerBroadcast", fields), f"user {user} is shown broadcast {broadcast}")
    return 0


async def steer(path: Path, as_json: bool, broadcast: int, what: str, said: str) -> int:
    """Start, pause, resume, cancel or delete it."""
    answer = await _order(path, "SteerBroadcast", {"broadcast_id": broadcast, "what": what})
    _say(as_json, answer, f"broadcast {broadcast} {said}")
    return 0


async def show(path: Path, as_json: bool, broadcast: int | None) -> int:
    """Print the newest, or one."""
    question = {"ask": "broadcasts", **({} if broadcast is None else {"before": broadcast + 1})}
    rows = await ask_desk(path, question, list[BroadcastRow])
    if broadcast is not None:
        rows = [row for row in rows if row.id == broadcast]
        if not rows:
            raise Refused(f"there is no broadcast {broadcast}")
    if as_json:
        for row in rows:
            click.echo(msgspec.json.encode(row).decode())
        return 0
    lines = table(_HEADS, [_cells(row) for row in rows]) if rows else ["Nothing was broadcast yet."]
    for line in lines:
        click.echo(line, color=None if sys.stdout.isatty() else False)
    return 0


def _cells(row: BroadcastRow) -> list[Cell]:
    narrowed = [each for each in (row.plan, row.language, row.node) if each is not None]
    text = " ".join(row.html.split())
    return [
        number(row.id),
        Cell(row.state if row.state != "running" or row.action == "send" else f"being {row.action}ed"),
        Cell(", ".join([row.audience, *narrowed])),
        number(row.reach),
        number(row.sent),
        number(row.blocked),
        number(row.failed + row.unknown + row.dropped),
        number(row.changed) if row.action != "send" else Cell(NOTHING),
        Cell(text if len(text) <= _TEXT_SHOWN else text[: _TEXT_SHOWN - 1] + "…"),
    ]


def _content(text: str | None) -> dict[str, Any]:
    html, buttons = content_of(sys.stdin.read() if text is None else text)
    return {"html": html, "buttons": buttons}


def _ids_in(file: Path) -> list[int]:
    """The numbers in the first column; a heading may stand above them."""
    found: list[int] = []
    for line, row in enumerate(csv.reader(file.read_text(encoding="utf-8-sig").splitlines()), 1):
        cell = row[0].strip() if row else ""
        if cell.isdecimal():
            found.append(int(cell))
        elif cell and line > 1:
            raise Refused(f"{file}:{line}: found {cell!r}, expected the number of a Telegram account")
    if not found:
        raise Refused(
            f"{file}: there is no number in its first column, expected the ids of Telegram accounts"
        )
    return found


async def _order(path: Path, command: str, fields: dict[str, Any]) -> dict[str, Any]:
    return await give(path, command, fields, token_hex(8))


def _say(as_json: bool, answer: dict[str, Any], said: str) -> None:
    click.echo(msgspec.json.encode(answer).decode() if as_json else said)
