"""How a life ended: what an incarnation tells the supervisor, who judges it, and what people are told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class HowItEnded(Enum):
    """The ways to go."""

    TOLD_TO = "was told to stop"
    FINISHED = "finished"
    CRASHED = "crashed"
    CANCELLED = "was cancelled"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a life ended, for the supervisor to judge and to report."""

    how: HowItEnded
    started: bool
    uptime: float
    handled: int
    error: BaseException | None = None
    message: str | None = None
    chain: tuple[str, ...] = ()
    trace: str | None = None

    @property
    def reason(self) -> str:
        """In a few words, for people."""
        return describe(self.error) if self.error is not None else self.how.value


def describe(error: BaseException) -> str:
    """An exception in one line."""
    text = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def sole(error: BaseException) -> BaseException:
    """The one exception inside groups of one, or the error itself: nurseries wrap, and people want the cause."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
