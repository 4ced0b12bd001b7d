"""Questions that go together: each gets its own answer, whoever of those who asked fails or leaves."""

from collections.abc import Sequence

import pytest
import trio
from trio.testing import MockClock

from integrations.xray.together import Together


class Oracle:
    """Doubles numbers, slowly; keeps what it was asked; fails when told to."""

    def __init__(self) -> None:
        self.asked: list[Sequence[int]] = []
        self.failures = 0
        self.together = Together(self.answer, 1.0)

    async def answer(self, questions: Sequence[int]) -> Sequence[int]:
        self.asked.append(questions)
        await trio.sleep(10)
        if self.failures:
            self.failures -= 1
            raise LookupError
        return [2 * question for question in questions]


async def test_who_asks_meanwhile_goes_along_with_the_next_question(autojump_clock: MockClock) -> None:
    oracle = Oracle()
    answers: dict[int, int] = {}

    async def ask(question: int, after: float) -> None:
        await trio.sleep(after)
        answers[question] = await oracle.together.ask(question)

    async with trio.open_nursery() as nursery:
        for question in range(10):
            nursery.start_soon(ask, question, question * 0.6)
    assert answers == {question: 2 * question for question in range(10)}
    assert [len(batch) for batch in oracle.asked] == [2, 8]
    assert trio.current_time() == 22


async def test_the_others_get_their_answers_if_the_one_who_asks_for_all_leaves(
    autojump_clock: MockClock,
) -> None:
    oracle = Oracle()
    answers: list[int] = []

    async def ask(question: int) -> None:
        answers.append(await oracle.together.ask(question))

    async with trio.open_nursery() as nursery:
        with trio.move_on_after(5):
            async with trio.open_nursery() as leaving:
                leaving.start_soon(ask, 1)
                await trio.testing.wait_all_tasks_blocked()
                nursery.start_soon(ask, 2)
                nursery.start_soon(ask, 3)
    assert sorted(answers) == [4, 6]
    assert [sorted(batch) for batch in oracle.asked] == [[1, 2, 3], [2, 3]]


async def test_who_leaves_while_another_asks_is_not_waited_for(autojump_clock: MockClock) -> None:
    oracle = Oracle()
    answers: list[int] = []

    async def ask(question: int, patience: float) -> None:
        with trio.move_on_after(patience):
            answers.append(await oracle.together.ask(question))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask, 1, 100)
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(ask, 2, 5)
        nursery.start_soon(ask, 3, 100)
        await trio.sleep(6)
        nursery.start_soon(ask, 4, 100)
    assert sorted(answers) == [2, 6, 8]


async def test_a_failure_is_of_the_one_who_asked_and_the_others_ask_again(autojump_clock: MockClock) -> None:
    oracle = Oracle()
    oracle.failures = 1
    answers: list[int] = []

    async def ask(question: int) -> None:
        answers.append(await oracle.together.ask(question))

    async def fail() -> None:
        with pytest.raises(LookupError):
            await oracle.together.ask(1)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(fail)
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(ask, 2)
    assert answers == [4]
