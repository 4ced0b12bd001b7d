"""Notices that the event loop was held: by whom, for how long, and with which stack.

An actor that waits for ever is seen by its own incarnation; but one that computes, or calls something that blocks,
stops everybody, the observer included. So two parts: an instrument that stamps when a task gets and gives up its
turn (two clock readings a turn), and a thread that looks at the stamp and takes the stack of the loop's thread
while the turn is still too long. The thread sleeps in the kernel while the loop is idle: an idle process has no
wake-ups.
"""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import FrameType

import structlog
import trio

log = structlog.get_logger("runtime")

LONGEST_TURN = 0.050
"""Seconds that one task may hold the loop (requirement E2)."""

PATROL = 0.010
"""Seconds between two looks of the thread while the loop is busy."""


class Turns(trio.abc.Instrument):
    """Stamps turns. The loop writes and the patrol reads, one word each, so no lock is needed."""

    def __init__(self, longest_turn: float) -> None:
        self.began_at: float | None = None
        self.serial = 0
        self.breaches = 0
        self.longest = 0.0
        self.busy = threading.Event()
        self.last_stack: tuple[int, str] | None = None
        self._longest_turn = longest_turn

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self.serial += 1
        self.began_at = time.perf_counter()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        # An instrument that raises is taken out by Trio without a word: nothing here may fail.
        if self.began_at is None:
            return
        seconds, self.began_at = time.perf_counter() - self.began_at, None
        self.longest = max(self.longest, seconds)
        if seconds > self._longest_turn:
            self.breaches += 1
            serial, stack = self.last_stack or (0, "")
            log.error(
                "loop was held",
                actor=task.name,
                milliseconds=round(seconds * 1000),
                stack=stack
                if serial == self.serial
                else "not caught: the turn ended before the patrol saw it",
            )

    def before_io_wait(self, timeout: float) -> None:
        if timeout > 0:
            self.busy.clear()

    def after_io_wait(self, timeout: float) -> None:
        self.busy.set()


@asynccontextmanager
async def watch_loop(longest_turn: float = LONGEST_TURN) -> AsyncIterator[Turns]:
    """Watch the current event loop during the block; every breach is logged with the task's name and its stack."""
    turns = Turns(longest_turn)
    stop = threading.Event()
    loop_thread = threading.get_ident()
    patrol = threading.Thread(target=_patrol, args=(turns, stop, loop_thread, longest_turn), daemon=True)
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
        if began_at is not None and time.perf_counter() - began_at > longest_turn:
            frame = sys._current_frames().get(loop_thread)
            if frame is not None and (turns.last_stack is None or turns.last_stack[0] != serial):
                turns.last_stack = (serial, _stack(frame))
        stop.wait(PATROL)


def _stack(frame: FrameType) -> str:
    return "".join(traceback.format_stack(frame))
