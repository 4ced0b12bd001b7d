"""For how long nothing is sent while Telegram does not answer, so that an outage costs tries and not messages.

Without this, everything that waits would be tried once within minutes and then wait for its own next try; and what
must not be sent twice would be given up, one by one, as possibly sent.
"""

from dataclasses import dataclass
from typing import Final

FIRST_SECONDS: Final = 1.0
LONGEST_SECONDS: Final = 30.0
#: One failure may be that message's own; so many in a row, without an answer in between, are Telegram's.
FAILURES: Final = 3


@dataclass(slots=True)
class Outage:
    """Failures in a row. Times are seconds of any one monotonic clock."""

    _failures: int = 0
    _seconds: float = 0.0
    _paused_until: float = float("-inf")

    def answered(self) -> None:
        """Telegram answered, be it with a refusal."""
        self._failures, self._seconds = 0, 0.0

    def failed(self, started: float, now: float) -> float | None:
        """A message that started at `started` got no answer: until when nothing should start, None if it may.

        What was on its way already when the last pause began says nothing new.
        """
        if started < self._paused_until:
            return None
        self._failures += 1
        if self._failures < FAILURES:
            return None
        self._seconds = min(LONGEST_SECONDS, max(FIRST_SECONDS, self._seconds * 2))
        self._paused_until = now + self._seconds
        return self._paused_until
