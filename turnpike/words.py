"""Values as an operator reads them in a terminal: durations, and tables whose columns line up."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import click

NOTHING: Final = "–"

_ESCAPE: Final = re.compile(r"(\x1b\[[0-9;]*m)")

_UNITS: Final = ((0.9995, 0.001, "ms"), (90, 1, "s"), (90 * 60, 60, "min"), (48 * 3600, 3600, "h"))
"""Below so many seconds, count in units of so many seconds."""


_DATA_UNITS: Final = ("B", "kB", "MB", "GB", "TB")


@dataclass(frozen=True, slots=True)
class Cell:
    """A text in a table. Numbers stand on the right, so that they can be compared at a glance."""

    text: str
    colour: str | None = None
    bold: bool = False
    right: bool = False

    def padded(self, width: int) -> str:
        """The text in so many columns, with its colour."""
        text = self.text.rjust(width) if self.right else self.text.ljust(width)
        return click.style(text, fg=self.colour, bold=self.bold or None)


def number(value: object, colour: str | None = None) -> Cell:
    """A cell on the right."""
    return Cell(NOTHING if value is None else str(value), colour, right=True)


def table(heads: Sequence[str], rows: Sequence[Sequence[Cell]]) -> list[str]:
    """Lines of aligned columns below their heads; a row that is shorter than the others ends early."""
    columns = range(len(heads))
    on_the_right = [any(row[at].right for row in rows if at < len(row)) for at in columns]
    head = [Cell(text, bold=True, right=on_the_right[at]) for at, text in enumerate(heads)]
    whole = [head, *rows]
    widths = [max(len(row[at].text) for row in whole if at < len(row)) for at in columns]
    return [
        "  ".join(
            cell.padded(widths[at] if at < len(row) - 1 or cell.right else 0) for at, cell in enumerate(row)
        )
        for row in whole
    ]


def duration(seconds: float | None) -> str:
    """A duration in the unit that a person would choose: `0.4 ms`, `40 ms`, `3 s`, `2 min`, `5 h`, `3 d`."""
    if seconds is None:
        return NOTHING
    if seconds < 0.00995:
        return f"{seconds * 1000:.1f} ms"
    for below, unit, name in _UNITS:
        if seconds < below:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds / 86400:.0f} d"


def distance(moment: datetime | None, now: datetime) -> str:
    """How long ago a moment was, or how long it is until then."""
    if moment is None:
        return NOTHING
    seconds = (moment - now).total_seconds()
    return f"in {duration(seconds)}" if seconds > 0 else f"{duration(-seconds)} ago"


def amount_of_data(count: int) -> str:
    """Bytes in the unit that a person would choose, by thousands as providers count them: `840 B`, `1.25 GB`."""
    at = max(at for at in range(len(_DATA_UNITS)) if at == 0 or count >= 1000**at)
    hundredths = count * 100 // 1000**at
    whole, rest = divmod(hundredths, 100)
    # Three digits are enough, and cut off: the last byte of a limit must not look used before it is.
    text = str(whole) if at == 0 or whole >= 100 or not rest else f"{whole}.{rest:02}".rstrip("0")
    return f"{text} {_DATA_UNITS[at]}"


def printable(text: str) -> str:
    """A text on one line, without what could steer the terminal."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def cut(line: str, width: int) -> str:
    """As much of a line as fits into so many columns; colours count for nothing, and all of them are kept."""
    parts = []
    for part in _ESCAPE.split(line):
        if not _ESCAPE.match(part):
            part = part[:width]
            width -= len(part)
        parts.append(part)
    return "".join(parts)
