"""What needs an operator: known in one place, so that `status` shows it and an actor can tell people of it.

An alert lasts from `begin` to `end`, over restarts of its actor, and is one however often it is begun again; or it is
a thing that has happened and is over at once. Who begins an alert also logs it. Whoever follows is told of both by a
cast `Alert`, and of what lasts already when it begins to follow: so one who was away has missed nothing that still
matters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .messages import Cast

if TYPE_CHECKING:
    from .cell import Cell

NOTHING_DONE: Final = "nothing was done"
"""A worker had rows that were due and dealt with none of them."""

MAILBOX_GROWS: Final = "mailbox only grows"
"""More is asked of an actor than it does."""

HANGS: Final = "actor hangs"
"""An actor held one message for longer than it may, and is restarted."""

CRASHED: Final = "actor crashed"
"""An actor died of an error; its supervisor decides what follows."""

UNDEAD: Final = "actor ignores its cancellation"
"""It hangs and shields itself; only the end of the process will end it."""

LOOP_HELD: Final = "loop was held"
"""An actor stopped everybody else for longer than any may."""

SWITCHED_OFF: Final = "switched off: "
"""An operator has switched something off; its name follows."""


@dataclass(frozen=True, slots=True)
class Alert(Cast):
    """Tells a follower that something needs an operator; with `over`, that it no longer does."""

    actor: str
    kind: str
    """One of the names above, or what an actor calls an alert of its own."""
    text: str
    """One sentence."""
    lasts: bool
    """True if the end will be told too."""
    over: bool = False


class Alerts:
    """The alerts of one system."""

    def __init__(self) -> None:
        self._present: dict[tuple[str, str], Alert] = {}
        self._followers: dict[str, Cell] = {}

    def begin(self, actor: str, kind: str, text: str) -> bool:
        """This lasts from now on. False if it lasted already; then only its text is another."""
        alert = Alert(actor, kind, text, lasts=True)
        is_new = (actor, kind) not in self._present
        self._present[actor, kind] = alert
        if is_new:
            self._tell(alert)
        return is_new

    def end(self, actor: str, kind: str) -> bool:
        """This is over. False if it did not last."""
        alert = self._present.pop((actor, kind), None)
        if alert is not None:
            self._tell(Alert(actor, kind, alert.text, lasts=True, over=True))
        return alert is not None

    def happened(self, actor: str, kind: str, text: str) -> None:
        """This is over already."""
        self._tell(Alert(actor, kind, text, lasts=False))

    def end_all(self, actor: str) -> None:
        """The actor has stopped for good."""
        for name, kind in list(self._present):
            if name == actor:
                self.end(name, kind)

    def of(self, actor: str) -> dict[str, str]:
        """What lasts of an actor: texts by kind."""
        return {kind: alert.text for (name, kind), alert in self._present.items() if name == actor}

    def follow(self, cell: Cell) -> None:
        """Cast every alert to this actor too, from what lasts now."""
        self._followers[cell.name] = cell
        for alert in self._present.values():
            cell.post(alert, None)

    def _tell(self, alert: Alert) -> None:
        for cell in self._followers.values():
            cell.post(alert, None)
