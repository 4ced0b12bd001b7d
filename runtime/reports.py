"""What the runtime tells the log: each thing once, with what is needed to find its cause."""

from __future__ import annotations

from collections.abc import Sequence
from traceback import StackSummary

import structlog
import trio

from .alerts import CRASHED, HANGS, UNDEAD
from .cell import Cell
from .ending import Ending, HowItEnded
from .envelope import Envelope
from .errors import Hung

log = structlog.get_logger("runtime")


def death(cell: Cell, ending: Ending, stop_timeout: float, system_ready: bool) -> None:
    """The end of an incarnation, whatever it was."""
    if ending.how is HowItEnded.CRASHED and not ending.started and not system_ready:
        # The start fails with a sentence that says all this; a traceback before it would only frighten people.
        log.info("actor did not start", actor=cell.name, reason=ending.reason)
    elif ending.how is HowItEnded.CRASHED:
        log.error(
            CRASHED,
            actor=cell.name,
            reason=ending.reason,
            started=ending.started,
            incarnation=cell.counters.incarnations,
            message=ending.message,
            chain=list(ending.chain),
            trace=ending.trace,
            exc_info=ending.error,
        )
        if not isinstance(ending.error, Hung):  # of a hang was told when it was found
            cell.exchange.alerts.happened(cell.name, CRASHED, f"it crashed: {ending.reason}")
    elif ending.how is HowItEnded.CANCELLED:
        log.warning("actor was cancelled", actor=cell.name, stop_timeout=stop_timeout, message=ending.message)
    else:
        log.info("actor stopped", actor=cell.name)


def restart(names: Sequence[str], delay: float) -> None:
    """Who is about to be restarted."""
    log.info("restarting", actors=list(names), delay=round(delay, 3))


def too_many_restarts(group: str, reason: str) -> None:
    """A group's failures are now a failure of the group."""
    log.error("too many restarts", group=group, reason=reason)


def not_carried_out(cell: Cell, envelopes: Sequence[Envelope], cause: Exception) -> None:
    """Somebody could not be reached while handling these; callers were told, the rest is told here."""
    for envelope in envelopes:
        if not envelope.message.expects_answer:
            log.warning(
                "message not carried out",
                actor=cell.name,
                message=type(envelope.message).__name__,
                reason=f"{type(cause).__name__}: {cause}",
                chain=list(envelope.chain()),
                trace=cell.exchange.trace_of(envelope.root),
            )


def hangs(cell: Cell, reason: str) -> None:
    """An actor holds a message for longer than it may, and is about to be cancelled."""
    log.error(HANGS, actor=cell.name, stack=stack_of(cell.task))
    cell.exchange.alerts.happened(cell.name, HANGS, f"it {reason} and is restarted")


def ignores_cancellation(cell: Cell, seconds: float) -> None:
    """An actor was cancelled and has not ended: it shields itself, and only the end of the process will end it."""
    log.error(UNDEAD, actor=cell.name, seconds=round(seconds), stack=stack_of(cell.task))
    text = f"it was cancelled, has not ended for {seconds:.0f} s, and only the end of the process will end it"
    cell.exchange.alerts.begin(cell.name, UNDEAD, text)


def stack_of(task: trio.lowlevel.Task | None) -> str:
    """Where a task waits, outermost call first, as in a traceback."""
    return "" if task is None else "".join(StackSummary.extract(iter(task.iter_await_frames())).format())
