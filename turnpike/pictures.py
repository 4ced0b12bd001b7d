"""A running system as tables: what `turnpike ctl` shows to people. Pure functions from a snapshot to lines."""

from collections.abc import Iterator
from typing import Final

import click

from runtime import ActorStatus, GroupStatus
from runtime.alerts import SWITCHED_OFF
from runtime.commands import Rates, Snapshot
from runtime.tap import Passage
from turnpike.words import NOTHING, Cell, distance, duration, number, printable, table

_COLOURS: Final = {
    "running": "green",
    "suspended": "yellow",
    "backoff": "red",
    "stopped": "red",
    "starting": "cyan",
    "stopping": "cyan",
}

_BAR: Final = " ▏▎▍▌▋▊▉█"
_BAR_WIDTH: Final = 8

_DIM: Final = "bright_black"

#: As wide as what usually stands below them, so that columns do not jump from one second to the next.
_TOP_HEADS: Final = (
    "actor",
    "state     ",
    "  msg/s",
    "busy",
    " " * _BAR_WIDTH,
    "  mailbox",
    "   wait",
    "oldest",
    "restarts",
    "in hand",
)

_NEARLY_FULL: Final = 0.8
"""The share of a mailbox from which its depth is a warning."""


def status_lines(snapshot: Snapshot) -> list[str]:
    """Everything that an operator asks first: the tree, the workers, and what went wrong last."""
    lines = [f"process {snapshot.pid}, up {duration(snapshot.uptime)}{_mood(snapshot)}", ""]
    lines += table(
        ["actor", "state", "since", "restarts", "mailbox", "oldest", "in hand"],
        [_status_row(name, status) for name, status in _outline(snapshot.root)],
    )
    actors = list(snapshot.root.actors())
    if workers := [row for actor in actors if (row := _worker_row(actor, snapshot))]:
        heads = ["worker", "switch", "last run", "took", "next run", "due", "done", "aside"]
        lines += ["", *table(heads, workers)]
    if troubles := [row for actor in actors for row in _troubles(actor)]:
        lines += ["", *table(["actor", "trouble"], troubles)]
    return lines


def top_lines(snapshot: Snapshot) -> list[str]:
    """The same system in motion: rates, and how busy everybody is."""
    rates = snapshot.rates or {}
    handled = f"{sum(each.handled for each in rates.values()):.0f}" if rates else NOTHING
    at = f"{snapshot.at:%H:%M:%S} UTC"
    head = f"process {snapshot.pid}, up {duration(snapshot.uptime)}{_mood(snapshot)}   {handled} messages/s   {at}"
    rows = [_top_row(name, status, rates) for name, status in _outline(snapshot.root)]
    off = sorted(_switched_off(snapshot))
    warning = [click.style(f"switched off: {', '.join(off)}", fg="yellow")] if off else []
    return [head, *warning, "", *table(_TOP_HEADS, rows)]


def _switched_off(snapshot: Snapshot) -> set[str]:
    """The names of workers and functions that an operator has switched off."""
    actors = list(snapshot.root.actors())
    names = {actor.name for actor in actors if actor.worker is not None and not actor.worker.switched_on}
    return names | {
        kind.removeprefix(SWITCHED_OFF)
        for actor in actors
        for kind in actor.alerts
        if kind.startswith(SWITCHED_OFF)
    }


PASSAGE_HEAD: Final = (
    f"{'time':12}  {'message':22}  {'from':22}  {'trace':18}  {'waited':>7}  {'took':>7}  outcome"
)


def passage_lines(passage: Passage) -> Iterator[str]:
    """One message that passed through a traced actor."""
    if passage.lost:
        yield f"… {passage.lost} messages passed too fast to be shown"
    sender = NOTHING if passage.sender is None else passage.sender
    yield (
        f"{passage.at:%H:%M:%S.%f}"[:12] + f"  {passage.message:22}  {sender:22}  {passage.trace:18}  "
        f"{duration(passage.queue_seconds):>7}  {duration(passage.handling_seconds):>7}  {passage.outcome}"
    )


def _outline(root: GroupStatus) -> Iterator[tuple[str, ActorStatus | GroupStatus]]:
    """The groups and actors in order, each with its name drawn into a tree."""
    yield root.name, root
    for child in root.children:
        yield from _branch(child, "", last=child is root.children[-1])


def _branch(
    status: ActorStatus | GroupStatus, stem: str, last: bool
) -> Iterator[tuple[str, ActorStatus | GroupStatus]]:
    yield f"{stem}{'└─ ' if last else '├─ '}{status.name}", status
    for child in status.children:
        yield from _branch(child, stem + ("   " if last else "│  "), last=child is status.children[-1])


def _status_row(name: str, status: ActorStatus | GroupStatus) -> list[Cell]:
    if isinstance(status, GroupStatus):
        return [Cell(name), Cell(status.strategy, _DIM)]
    return [
        Cell(name, bold=True),
        _state(status),
        number(duration(status.state_age)),
        number(status.restarts, "red" if status.restarts else None),
        _mailbox(status),
        number(duration(status.oldest_age)),
        _in_hand(status),
    ]


def _top_row(name: str, status: ActorStatus | GroupStatus, rates: dict[str, Rates]) -> list[Cell]:
    if isinstance(status, GroupStatus):
        return [Cell(name), Cell(status.strategy, _DIM)]
    pace = rates.get(status.name)
    return [
        Cell(name, bold=True),
        _state(status),
        number(None if pace is None else _rate(pace.handled), _DIM if not pace or not pace.handled else None),
        number(None if pace is None else f"{pace.busy:.0%}", _DIM if not pace or not pace.busy else None),
        Cell("" if pace is None else _bar(pace.busy), "cyan"),
        _mailbox(status),
        number(duration(None if pace is None else pace.queue_seconds)),
        number(duration(status.oldest_age)),
        number(status.restarts, "red" if status.restarts else None),
        _in_hand(status),
    ]


def _worker_row(actor: ActorStatus, snapshot: Snapshot) -> list[Cell] | None:
    worker = actor.worker
    if worker is None:
        return None
    return [
        Cell(actor.name, bold=True),
        Cell("on", "green") if worker.switched_on else Cell("off", "yellow"),
        number(distance(worker.last_run, snapshot.at)),
        number(duration(worker.last_seconds)),
        number(distance(worker.next_run, snapshot.at)),
        number(worker.due),
        number(worker.done),
        number(worker.aside, "red" if worker.aside else None),
    ]


def _troubles(actor: ActorStatus) -> Iterator[list[Cell]]:
    if actor.last_error is not None:
        yield [Cell(actor.name, bold=True), Cell(f"last error: {printable(actor.last_error)}")]
    for text in actor.alerts.values():
        yield [Cell(actor.name, bold=True), Cell(printable(text), "red")]


def _state(actor: ActorStatus) -> Cell:
    if actor.suspended and actor.state == "running":
        return Cell("suspending", "yellow")
    return Cell(actor.state, _COLOURS.get(actor.state))


def _mailbox(actor: ActorStatus) -> Cell:
    full = actor.queued >= actor.capacity * _NEARLY_FULL
    return number(f"{actor.queued}/{actor.capacity}", "red" if full else None)


def _in_hand(actor: ActorStatus) -> Cell:
    return Cell(NOTHING if actor.message is None else f"{actor.message} for {duration(actor.busy_age)}")


def _rate(per_second: float) -> str:
    return f"{per_second:.1f}" if per_second < 100 else f"{per_second:.0f}"


def _bar(share: float) -> str:
    eighths = round(share * _BAR_WIDTH * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_BAR[rest] if rest else "")).ljust(_BAR_WIDTH)


def _mood(snapshot: Snapshot) -> str:
    return ", stopping" if snapshot.stopping else ""
