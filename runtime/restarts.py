"""When to restart: backoff for the one that failed, intensity for its group. Pure; the time is a parameter."""

from collections import deque
from random import Random

from .specs import Intensity

FIRST_DELAY = 0.1
"""Seconds before the second restart in a row; the first is immediate, each further one waits twice as long."""

LONGEST_DELAY = 30.0
"""Seconds that a restart waits at most."""

JITTER = 0.2
"""Part of a delay by which it is randomly shorter or longer, so that what failed together does not return together."""

HEALTHY_AFTER = (FIRST_DELAY + LONGEST_DELAY) / 2
"""Seconds of life after which a failure is the first of a new streak, if anything was handled in that life."""


class Backoff:
    """How long one actor or group waits before its next restart."""

    __slots__ = ("_streak",)

    def __init__(self) -> None:
        self._streak = 0

    def failed(self, uptime: float, handled: int, random: Random) -> float:
        """Count a failure after `uptime` seconds and `handled` messages; the seconds to wait before the restart.

        Uptime alone does not prove health: an actor that dies of every message lives long if messages are rare.
        """
        if uptime >= HEALTHY_AFTER and handled > 0:
            self._streak = 0
        self._streak += 1
        if self._streak == 1:
            return 0.0
        # The exponent is bounded so that a long streak stays a small number.
        delay = min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(self._streak - 2, 32))
        return delay * random.uniform(1 - JITTER, 1 + JITTER)


class RestartWindow:
    """Whether a group restarts too often."""

    __slots__ = ("_intensity", "_times")

    def __init__(self, intensity: Intensity) -> None:
        self._intensity = intensity
        self._times: deque[float] = deque()

    def exceeded(self, now: float) -> bool:
        """Count a restart at `now`; True if that is one too many, and the count begins anew."""
        self._times.append(now)
        while self._times[0] <= now - self._intensity.period:
            self._times.popleft()
        if len(self._times) <= self._intensity.restarts:
            return False
        self._times.clear()
        return True
