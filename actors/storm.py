"""Alerts that administrators have not been told of yet, folded: however many there are, they read one message a minute.

Pure, given the moment. What begins, ends and begins again meanwhile is one line that says how often.
"""

from dataclasses import dataclass, field, replace
from typing import Final

from actors.secrecy import without_tokens
from domain.messages import AlertLine, AlertsNotice
from runtime import Alert

#: What comes together is told together.
GATHER_SECONDS: Final = 2.0

#: From one message to the next.
QUIET_SECONDS: Final = 60.0

_LINES: Final = 10
_LONGEST: Final = 300


@dataclass(frozen=True, slots=True)
class _Waiting:
    text: str
    over: bool
    times: int


@dataclass(slots=True)
class Storm:
    """What waits to be told, by actor and kind."""

    _waiting: dict[tuple[str, str], _Waiting] = field(default_factory=dict)
    _told_at: float | None = None
    #: The actors and kinds of what lasts.
    lasting: set[tuple[str, str]] = field(default_factory=set)

    def add(self, alert: Alert) -> None:
        """Remember an alert."""
        key = alert.actor, alert.kind
        if alert.lasts and not alert.over:
            self.lasting.add(key)
        else:
            self.lasting.discard(key)
        before = self._waiting.get(key, _Waiting("", over=False, times=0))
        self._waiting[key] = replace(
            before, text=alert.text, over=alert.over, times=before.times + (not alert.over)
        )

    def is_due(self, now: float) -> bool:
        """Whether there is something, and the last message is long enough ago."""
        return bool(self._waiting) and (self._told_at is None or now >= self._told_at + QUIET_SECONDS)

    def notice(self, thread: int | None) -> AlertsNotice:
        """All that waits; what still lasts first."""
        lines = [
            AlertLine(
                actor=actor,
                what=without_tokens(each.text)[:_LONGEST],
                over=each.over,
                times=max(1, each.times),
            )
            for (actor, _), each in self._waiting.items()
        ]
        lines.sort(key=lambda line: line.over)
        return AlertsNotice(lines=lines[:_LINES], more=max(0, len(lines) - _LINES), thread=thread)

    def told(self, now: float) -> None:
        """It was told."""
        self._waiting.clear()
        self._told_at = now
