"""Notices that the event loop was held: by whom, for how long, and with which stack.

An actor that waits for ever is seen by its own incarnation; but one that computes, or calls something that blocks,
stops everybody, the observer included. So two parts: an instrument that stamps the begin of each task's turn, and a
thread that looks at the stamp and takes the stack of the loop's thread while the turn is too long. The thread
sleeps in the kernel while the loop is idle: an idle process has no wake-ups.
"""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
import trio

from .alerts import LOOP_HELD
from .cell import here

log = structlog.get_logger("runtime")

LONGEST_TURN = 0.050
"""Seconds that one task may hold the loop (requirement E2)."""

PATROL = 0.010
"""Seconds between two looks of the thread while the loop is busy."""


class Turns(trio.abc.Instrument):
    """Stamps turns. The loop writes and the patrol reads, one word each, so no lock is needed.

    A turn ends where the next one begins, or where the loop goes to wait: one stamp for each turn is enough, and half
    of what a message costs is such turns.
    """

    def __init__(self, longest_turn: float) -> None:
        self.began_at: float | None = None
        self.serial = 0
        self.breaches = 0
        self.longest = 0.0
        """Seconds of the longest turn so far."""
        self.busy = threading.Event()
        self.caught: tuple[int, str] = (0, "")
        """The serial number of the turn that the patrol last caught being too long, and the stack then."""
        self._loop = trio.lowlevel.current_trio_token()
        self._task: trio.lowlevel.Task | None = None
        self._longest_turn = longest_turn
        self._notable = 0.0
        """Seconds beyond which a turn is a breach or the longest so far: one comparison for each turn finds both."""

    # An instrument that raises is taken out by Trio without a word: nothing below may fail.

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        now = time.perf_counter()
        if self.began_at is not None and now - self.began_at > self._notable:
            self._note(now - self.began_at)
        self.serial += 1
        self.began_at = now
        self._task = task

    def before_io_wait(self, timeout: float) -> None:
        now = time.perf_counter()
        if self.began_at is not None and now - self.began_at > self._notable:
            self._note(now - self.began_at)
        self.began_at = None
        if timeout > 0:
            self.busy.clear()

    def after_io_wait(self, timeout: float) -> None:
        self.busy.set()

    def _note(self, seconds: float) -> None:
        self.longest = max(self.longest, seconds)
        self._notable = min(self.longest, self._longest_turn)
        if seconds > self._longest_turn:
            self._tell(seconds)

    def _tell(self, seconds: float) -> None:
        self.breaches += 1
        milliseconds = round(seconds * 1000)
        serial, stack = self.caught
        task = self._task
        cell = task.context.get(here) if task is not None else None
        log.error(
            LOOP_HELD,
            actor=cell.name if cell is not None else None,
            task=task.name if task is not None else None,
            milliseconds=milliseconds,
            stack=stack if serial == self.serial else "not caught: the turn ended before the patrol saw it",
        )
        if cell is not None:
            # Later, and not from here: a task that is woken while the loop goes to wait would wait with it.
            text = f"it held the loop for {milliseconds} ms"
            self._loop.run_sync_soon(cell.exchange.alerts.happened, cell.name, LOOP_HELD, text)


@asynccontextmanager
async def watch_loop(longest_turn: float = LONGEST_TURN) -> AsyncIterator[Turns]:
    """Watch the current event loop during the block; every breach is logged with the task's name and its stack."""
    turns = Turns(longest_turn)
    stop = threading.Event()
    patrol = threading.Thread(
        target=_patrol, args=(turns, stop, threading.get_ident(), longest_turn), daemon=True
    )
    trio.lowlevel.add_instrument(turns)
    turns.busy.set()
    patrol.start()
    try:
        yield turns
    finally:
        trio.lowlevel.remove_instrument(turns)
        stop.set()
        turns.busy.set()
        # It ends within one look; waiting for that here would itself hold the loop.
        with trio.CancelScope(shield=True):
            await trio.to_thread.run_sync(patrol.join)


def _patrol(turns: Turns, stop: threading.Event, loop_thread: int, longest_turn: float) -> None:
    while not stop.is_set():
        turns.busy.wait()
        serial, began_at = turns.serial, turns.began_at
        if (
            began_at is not None
            and serial != turns.caught[0]
            and time.perf_counter() - began_at > longest_turn
        ):
            frame = sys._current_frames().get(loop_thread)
            if frame is not None:
                turns.caught = (serial, "".join(traceback.format_stack(frame)))
        stop.wait(PATROL)
