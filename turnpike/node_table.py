"""Showing how the nodes are: a table for people, one JSON list for scripts."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Final

import click
import msgspec
import trio

from actors.node_report import NodeReport, NodesReport
from runtime.control_client import Refused
from turnpike.asking import ask_desk
from turnpike.words import NOTHING, Cell, distance, duration, number, printable, table

#: Seconds that `turnpike ctl status` waits for nodes; who asks for nothing but them waits longer.
_BESIDES_SECONDS: Final = 2.0

_HEADS: Final = ["node", "state", "up", "users", "of", "last reached", "Xray", "restarts", "trouble"]


async def show_nodes(path: Path, as_json: bool) -> int:
    """Print how all nodes are; exit status 1 if something is wrong with one."""
    report = await ask_desk(path, {"ask": "nodes"}, NodesReport)
    if as_json:
        click.echo(msgspec.json.encode(report.nodes).decode())
    else:
        for line in _lines(report) if report.nodes else ["There is no node."]:
            click.echo(line, color=None if sys.stdout.isatty() else False)
    return 1 if any(each.state.problem for each in report.nodes) else 0


async def nodes_besides(path: Path) -> list[str]:
    """The table for somebody who asked for more than nodes; nothing where nobody says in time how they are."""
    try:
        with trio.fail_after(_BESIDES_SECONDS + 1):
            report = await ask_desk(path, {"ask": "nodes", "seconds": _BESIDES_SECONDS}, NodesReport)
    except (Refused, trio.TooSlowError):
        return []
    return ["", *_lines(report)] if report.nodes else []


def _lines(report: NodesReport) -> list[str]:
    return table(_HEADS, [_row(each, report.at) for each in report.nodes])


def _row(report: NodeReport, now: datetime) -> list[Cell]:
    state = report.state
    lacks = state.users is not None and state.users < report.wanted
    return [
        Cell(report.node, bold=True),
        Cell("away", "red") if state.users is None else Cell("reached", "green"),
        number(duration(state.up)),
        number(state.users, "red" if lacks else None),
        number(report.wanted),
        number(distance(state.reached_at, now)),
        Cell(state.version or NOTHING),
        number(state.restarts, "yellow" if state.restarts else None),
        Cell(printable(state.problem), "red"),
    ]
