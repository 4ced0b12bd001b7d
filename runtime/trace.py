"""The causal id: one name for everything that followed from one beginning, in messages, logs and rows.

It is not carried along: every envelope knows its root, and the id is made of that when somebody asks. A log processor
that asks (`current_trace`) costs nothing while nobody logs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf

from .cell import Cell, here
from .envelope import Envelope, handling
from .messages import Cast


@dataclass(frozen=True, slots=True)
class Adopted(Cast):
    """Stands in the causal chain for work that came as a row and not as a message."""


def current_trace() -> str | None:
    """The causal id of the work that the current task does; None outside of an actor, or where no message led here."""
    envelope, cell = handling.get(), here.get()
    return None if envelope is None or cell is None else cell.exchange.trace_of(envelope.root)


@contextmanager
def adopted(cell: Cell, trace: str) -> Iterator[None]:
    """Do the work in the block, and all that follows from it, under this causal id."""
    cause, exchange = handling.get(), cell.exchange
    deadline = inf if cause is None else cause.deadline
    envelope = Envelope(Adopted(), cell.name, next(exchange.serials), cause, exchange.now(), deadline)
    envelope.root = trace
    token = handling.set(envelope)
    try:
        yield
    finally:
        handling.reset(token)
