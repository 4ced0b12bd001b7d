"""`turnpike ctl top` on a terminal: the tree in motion, like `htop`.

Each picture is written in one piece over the one before, line by line, so nothing flickers; and the terminal is given
back as it was, however this ends.
"""

from __future__ import annotations

import os
import signal
import sys
import termios
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click
import trio

from runtime import control_client
from runtime.commands import Refused, Snapshot
from turnpike.pictures import top_lines
from turnpike.words import cut

_ENTER: Final = "\x1b[?1049h\x1b[?25l"
"""The other screen, without a cursor."""
_LEAVE: Final = "\x1b[?25h\x1b[?1049l"
_BEGIN: Final = "\x1b[?2026h\x1b[H"
"""Show nothing before the end; from the upper left corner on."""
_END: Final = "\x1b[J\x1b[?2026l"
_END_OF_LINE: Final = "\x1b[K"

_QUIT: Final = b"qQ\x03\x04"


async def run_top(path: Path) -> int:
    """Show it until the operator quits or the system stops."""
    with _screen():
        async with control_client.top(path) as snapshots, trio.open_nursery() as nursery:
            view = _View()
            nursery.start_soon(_until_quit, nursery.cancel_scope)
            nursery.start_soon(_obey_signals, view, nursery.cancel_scope)
            await _follow(snapshots, view)
            nursery.cancel_scope.cancel()
    if view.ending is not None:
        raise view.ending
    return 0


async def _follow(snapshots: control_client.Answers[Snapshot], view: _View) -> None:
    try:
        async for snapshot in snapshots:
            view.show(snapshot)
    except Refused as error:
        view.ending = error
    else:
        view.ending = Refused("the system has stopped")


class _View:
    """What is on the screen."""

    def __init__(self) -> None:
        self.ending: Refused | None = None
        """Why nothing comes any more, if it was not the operator's wish."""
        self._snapshot: Snapshot | None = None

    def show(self, snapshot: Snapshot) -> None:
        """Draw a new picture."""
        self._snapshot = snapshot
        self.draw()

    def draw(self) -> None:
        """Draw the picture for the terminal as large as it is now."""
        if self._snapshot is None:
            return
        size = os.get_terminal_size()
        lines = [cut(line, size.columns) for line in fitted(top_lines(self._snapshot), size.lines)]
        _write(_BEGIN + "\r\n".join(f"{line}{_END_OF_LINE}" for line in lines) + _END)


def fitted(lines: Sequence[str], height: int) -> list[str]:
    """As many of the lines as fit, the last of the screen telling how to leave and how much is hidden."""
    shown = list(lines[: max(1, height - 2)])
    hidden = len(lines) - len(shown)
    foot = click.style(" q ", reverse=True) + " quit" + (f"   … {hidden} more lines" if hidden else "")
    return [*shown, *[""] * (height - len(shown) - 1), foot]


async def _until_quit(scope: trio.CancelScope) -> None:
    while True:
        await trio.lowlevel.wait_readable(sys.stdin.fileno())
        keys = os.read(sys.stdin.fileno(), 100)
        if not keys or any(key in _QUIT for key in keys):
            scope.cancel()
            return


async def _obey_signals(view: _View, scope: trio.CancelScope) -> None:
    with trio.open_signal_receiver(
        signal.SIGWINCH, signal.SIGTSTP, signal.SIGTERM, signal.SIGINT, signal.SIGHUP
    ) as signals:
        async for number in signals:
            match number:
                case signal.SIGWINCH:
                    view.draw()
                case signal.SIGTSTP:
                    _write(_LEAVE)
                    os.kill(os.getpid(), signal.SIGSTOP)
                    tty.setcbreak(sys.stdin)  # the shell has had the terminal meanwhile
                    _write(_ENTER)
                    view.draw()
                case _:
                    scope.cancel()


@contextmanager
def _screen() -> Iterator[None]:
    """Have the terminal for oneself, key by key."""
    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    _write(_ENTER)
    try:
        yield
    finally:
        _write(_LEAVE)
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
