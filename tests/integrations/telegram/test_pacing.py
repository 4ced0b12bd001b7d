"""The pacer against a simulated Telegram that counts arrivals in sliding windows, on virtual time."""

import heapq
import random
from bisect import bisect_left
from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.telegram.pacing import (
    CHAT_SECONDS,
    GROUP_LIMIT,
    GROUP_SECONDS,
    OVERALL_LIMIT,
    OVERALL_SECONDS,
    Pacer,
)

_EPSILON = 1e-9


class _Network:
    """Delays each way by a fixed part and a random one, and notes what arrives at the server when."""

    def __init__(self, seed: int, fixed: float, jitter: float) -> None:
        self.random = random.Random(seed)
        self.fixed = fixed
        self.jitter = jitter
        self.arrivals: list[tuple[float, int]] = []

    def send(self, chat: int, now: float) -> float:
        """Returns when the answer is back."""
        there = now + self.fixed + self.random.uniform(0, self.jitter)
        self.arrivals.append((there, chat))
        return there + self.fixed + self.random.uniform(0, self.jitter)


def _run(chats: list[int], network: _Network, senders: int) -> float:
    """Send one message to each of `chats` in order by concurrent senders; return when the last one started."""
    pacer, waiting, last = Pacer(), list(reversed(chats)), 0.0
    idle: list[tuple[float, int, int | None]] = [(0.0, sender, None) for sender in range(senders)]
    while idle:
        now, sender, chat = heapq.heappop(idle)
        if chat is None:
            if not waiting:
                continue
            chat = waiting.pop()
        at = pacer.earliest(chat, now)
        if at > now:
            heapq.heappush(idle, (at, sender, chat))
            continue
        turn = pacer.begin(chat, now)
        last = now
        back = network.send(chat, now)
        # The simulation knows the answer's time already; the pacer may not use it before it has come.
        heapq.heappush(idle, (back, sender, None))
        _later.append((back, turn, pacer))
        _settle(now)
    return last


_later: list = []


def _settle(now: float) -> None: ...
