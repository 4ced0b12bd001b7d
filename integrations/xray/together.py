"""Many small questions asked as one: whoever asks while another's question is on its way goes along with the next."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import trio

Q = TypeVar("Q")
A = TypeVar("A")


@dataclass(slots=True, eq=False)
class _Asked(Generic[Q, A]):
    question: Q
    answers: Sequence[A] = ()


class Together(Generic[Q, A]):
    """Answers questions in batches.

    One of those who ask does it for all that wait; if that fails or is cancelled, the others go on to ask themselves.
    """

    def __init__(self, ask: Callable[[Sequence[Q]], Awaitable[Sequence[A]]], seconds: float) -> None:
        """`ask` answers each question, in order; `seconds` is how long it waits for more of them."""
        self._ask = ask
        self._seconds = seconds
        #: Set when the question that is on its way is over; not a lock, which would let them go on one at a time.
        self._over: trio.Event | None = None
        self._waiting: list[_Asked[Q, A]] = []

    async def ask(self, question: Q) -> A:
        """The answer to one question. Raises what `ask` raises."""
        asked: _Asked[Q, A] = _Asked(question)
        self._waiting.append(asked)
        try:
            while not asked.answers:
                if self._over is None:
                    await self._ask_for_all()
                else:
                    await self._over.wait()
        finally:
            if not asked.answers:
                self._waiting.remove(asked)
        return asked.answers[0]

    async def _ask_for_all(self) -> None:
        self._over = over = trio.Event()
        try:
            await trio.sleep(self._seconds)
            batch = tuple(self._waiting)
            answers = await self._ask([asked.question for asked in batch])
            for asked, answer in zip(batch, answers, strict=True):
                asked.answers = (answer,)
            self._waiting = [asked for asked in self._waiting if not asked.answers]
        finally:
            self._over = None
            over.set()
