"""A worker's kill switch, as an operator or another actor flips it."""

from __future__ import annotations

import structlog

from .cell import Cell, State
from .duty import Duty
from .messages import Tick

log = structlog.get_logger("runtime")


def flip(cell: Cell, on: bool) -> None:
    """Off, a worker does not tick, and a tick that runs ends at the next row; on, it ticks. Logged if it was otherwise.

    A worker that has never been started begins so. Raises ValueError for an actor that is not a worker.
    """
    if cell.duty is None:
        if cell.state is not State.NEW:
            raise ValueError(f"{cell.name} has no switch: it is not a worker, or has not started yet")
        cell.duty = Duty()
    if cell.duty.switched_on is on:
        return
    cell.duty.switched_on = on
    if on:
        cell.post(Tick(), None)
    log.warning("switched on" if on else "switched off", actor=cell.name)
