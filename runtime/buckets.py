"""How long things take, as a few counters: one bucket for each bound, in constant time and space.

What is quick is not counted where it happens: its bucket is what remains of the total. So the usual message pays for
one comparison, and only a slow one for finding its bucket.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

BOUNDS: Final = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
"""Seconds: the upper end of each bucket but the last, which has none."""

QUICK: Final = BOUNDS[0]
"""Seconds up to which nothing need be counted."""


def no_slow_ones() -> list[int]:
    """An empty count of slow ones, one number for each bucket; the first stays zero."""
    return [0] * (len(BOUNDS) + 1)


def count_slow(slow: list[int], seconds: float) -> None:
    """Count something that took more than `QUICK` seconds."""
    slow[bisect_left(BOUNDS, seconds)] += 1


def distribution(total: int, slow: Sequence[int]) -> tuple[int, ...]:
    """How many fell into each bucket, given how many there were in all and the slow ones among them."""
    return (total - sum(slow), *slow[1:])
