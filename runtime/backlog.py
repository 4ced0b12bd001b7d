"""Notices a mailbox that only grows: more is asked of its actor than it does, and waiting will not mend that.

A mailbox in which few messages wait is not looked at: so an idle system has no timers, and a busy one at most one for
each crowd. What counts is how many wait, senders without room included, and how far behind its actor is: a burst that
is being worked off gets shorter or younger from look to look.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog
import trio

from .alerts import MAILBOX_GROWS
from .timers import Alarm

if TYPE_CHECKING:
    from .cell import Cell

log = structlog.get_logger("runtime")

CROWD: Final = 16
"""How many messages must wait for a look at them, or as many as there is room for."""

LOOK_SECONDS: Final = 5.0
"""From one look to the next."""

LOOKS: Final = 6
"""After so many looks in a row that saw it grow, that is an alert, until half of what waited at worst is done."""


class Backlog:
    """Looks at one crowded mailbox now and then, until it is no longer crowded."""

    __slots__ = ("_cell", "_depth", "_grown", "_lag", "_peak")

    def __init__(self, cell: Cell) -> None:
        self._cell = cell
        self._depth = 0
        self._lag = 0.0
        self._grown = 0
        self._peak = 0
        self._look_again()

    def _look_again(self) -> None:
        self._cell.exchange.timers.add(trio.current_time() + LOOK_SECONDS, Alarm(self._look))

    def _look(self) -> None:
        cell, mailbox = self._cell, self._cell.mailbox
        if mailbox.closed or mailbox.coming < cell.crowd:
            cell.backlog = None
            self._end()
            return
        depth, lag = mailbox.coming, trio.current_time() - mailbox.reached
        self._grown = self._grown + 1 if depth >= self._depth and lag > self._lag else 0
        self._depth, self._lag = depth, lag
        if depth < self._peak / 2:
            self._end()
        elif self._peak or self._grown >= LOOKS:
            self._peak = max(self._peak, depth)
            text = f"{depth} messages wait for it: more is asked of it than it does"
            if cell.exchange.alerts.begin(cell.name, MAILBOX_GROWS, text):
                log.error(MAILBOX_GROWS, actor=cell.name, waiting=depth)
        self._look_again()

    def _end(self) -> None:
        self._peak = 0
        if self._cell.exchange.alerts.end(self._cell.name, MAILBOX_GROWS):
            log.info("mailbox is being emptied", actor=self._cell.name, waiting=self._cell.mailbox.coming)
