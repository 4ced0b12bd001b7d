"""Showing what somebody moved: a table for people, one JSON object for scripts."""

import sys
from pathlib import Path
from typing import Final

import click
import msgspec

from actors.traffic import UsageReport, UserUsage
from turnpike.asking import ask_desk
from turnpike.words import Cell, amount_of_data, distance, number, printable, table

_HEADS: Final = ["node", "up", "down", "together", "counted"]


async def show_usage(path: Path, as_json: bool, user: int) -> int:
    """Print what a user moved."""
    report = await ask_desk(path, {"ask": "usage", "user_id": user}, UsageReport)
    if as_json:
        click.echo(msgspec.json.encode(report).decode())
    elif report.user is None:
        _say(f"User {user} has never written to the bot.")
    else:
        _say(_headline(report.user, user))
        if report.user.title is not None:
            _say(_limits(report.user))
        for line in (
            table(_HEADS, _rows(report)) if report.nodes else ["Nothing was counted on any node yet."]
        ):
            _say(line)
    return 0


def _headline(user: UserUsage, number_of_user: int) -> str:
    name = f"{printable(user.first_name)} ({number_of_user})"
    if user.title is None or user.expires_at is None:
        return f"{name} has never had a plan."
    return f"{name}: {printable(user.title)}, {user.status}, ends {user.expires_at:%Y-%m-%d %H:%M}"


def _limits(user: UserUsage) -> str:
    used = amount_of_data(user.used)
    traffic = f"{used} used" if user.traffic is None else f"{used} of {amount_of_data(user.traffic)} used"
    if user.stopped:
        traffic = click.style(f"{traffic}, access is stopped", fg="red")
    limit = "" if user.devices is None else f" of {user.devices}"
    return f"{traffic}; online from {user.online}{limit} addresses"


def _rows(report: UsageReport) -> list[list[Cell]]:
    rows = [
        [
            Cell(row.node),
            *(number(amount_of_data(each)) for each in (row.up, row.down, row.up + row.down)),
            Cell(distance(row.read_at, report.at)),
        ]
        for row in report.nodes
    ]
    whole = report.user
    assert whole is not None, "what nobody moved has no rows"
    sums = (whole.up, whole.down, whole.up + whole.down)
    return [*rows, [Cell("in all", bold=True), *(number(amount_of_data(each)) for each in sums)]]


def _say(line: str) -> None:
    click.echo(line, color=None if sys.stdout.isatty() else False)
