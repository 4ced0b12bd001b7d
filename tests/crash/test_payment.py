"""The process is killed at every step of a change of money; after the restart all of it happened, or none (F7).

The steps are not listed here: a run that is not killed reports them. For each, a process is killed there, on an exact
copy of the shop; what is found then, and after everything was delivered again, is compared row by row with the run that
was not killed. `--campaign 50` goes on with kills at random moments.
"""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

import pytest
import trio

from tests.crash import paths
from tests.crash.state import State, differences, state_of
from tests.crash.victim import Batch, Task, packed
from tests.crash.zygote import Zygote, every, open_zygote
from tests.fixtures.postgres import Database
from tests.storage.shop import open_desk

Clone = Callable[[Database], Database]

_VICTIM = "tests.crash.victim"


def proving(path: paths.Path, *requirements: str) -> Any:
    return pytest.param(path, marks=pytest.mark.requirement("F7", *requirements), id=path.__name__)


PATHS = [
    proving(paths.buy_a_plan, "C2"),
    proving(paths.buy_as_a_guest_with_a_code, "C2"),
    proving(paths.buy_with_a_code_that_lapsed, "C2"),
    proving(paths.buy_a_gift, "C2"),
    proving(paths.redeem_a_gift),
    proving(paths.top_up, "C3"),
    proving(paths.pay_from_the_balance, "C2"),
    proving(paths.renew, "C1"),
    proving(paths.renew_three_in_a_batch, "C1", "F3"),
    proving(paths.be_swept, "C2", "C3"),
    proving(paths.refund_as_asked, "C9"),
    proving(paths.refund_by_telegram, "C9"),
    proving(paths.refund_a_top_up, "C9"),
]


@pytest.mark.parametrize("path", PATHS)
async def test_killed_at_any_step_a_change_of_money_happened_wholly_or_not_at_all(
    database: Database, clone: Clone, path: paths.Path
) -> None:
    async with open_zygote(_VICTIM) as zygote:
        batches = await prepared(database, path)
        steps, after_each = await undisturbed(database, clone, batches, zygote)
        assert {"received", "prefetched", "claim sent", "before commit", "committed"} <= set(steps)

        for place, fatal in enumerate(every(steps)):
            copy = clone(database)
            made, ended = await zygote.run(Task(copy.writer, packed(batches), fatal))
            assert (made, ended) == (steps[: place + 1], -signal.SIGKILL)

            committed = made.count("committed")
            found = differences(state_of(copy), after_each[committed])
            assert not found, f"killed at {fatal}: {found}"
            _, ended = await zygote.run(Task(copy.writer, packed(batches)))
            assert ended == 0
            found = differences(state_of(copy), after_each[-1])
            assert not found, f"delivered again after a kill at {fatal}: {found}"


@pytest.mark.requirement("F7", "C1", "C2", "C3", "C9")
async def test_killed_at_any_moment_whatever_was_under_way_is_finished_by_delivering_it_again(
    database: Database, clone: Clone, campaign: int
) -> None:
    random = Random(campaign)
    async with open_zygote(_VICTIM) as zygote:
        batches = await prepared(database, *(each.values[0] for each in PATHS if each.id in _TOGETHER))
        steps, after_each = await undisturbed(database, clone, batches, zygote)
        begun = trio.current_time()
        await zygote.run(Task(clone(database).writer, packed(batches)))
        length = trio.current_time() - begun
        died_at: set[int] = set()
        for _ in range(10 * campaign):
            copy, made = clone(database), list[str]()
            for _ in range(random.randint(1, 3)):
                made = await killed_after(
                    random.uniform(0, length), zygote, Task(copy.writer, packed(batches))
                )
                died_at.add(len(made))
            found = state_of(copy)
            assert any(not differences(found, each) for each in after_each), "a batch stands half done"
            _, ended = await zygote.run(Task(copy.writer, packed(batches)))
            assert ended == 0
            assert not differences(state_of(copy), after_each[-1])
        assert len(died_at) > 1, f"it died at one place only, of {len(steps)}"


_TOGETHER = ("buy_as_a_guest_with_a_code", "buy_a_gift", "be_swept", "pay_from_the_balance")


async def prepared(database: Database, *those: paths.Path) -> list[Batch]:
    """The shop as the paths need it, and what is to be carried out."""
    async with open_desk(database.writer) as desk:
        return [batch for path in those for batch in await path(desk)]


async def undisturbed(
    database: Database, clone: Clone, batches: list[Batch], zygote: Zygote
) -> tuple[list[str], list[State]]:
    """The steps of a run that is not killed; what the database holds before it, after each batch, and so on."""
    states = [state_of(database)]
    for number in range(len(batches)):
        copy = clone(database)
        steps, ended = await zygote.run(Task(copy.writer, packed(batches[: number + 1])))
        assert ended == 0
        states.append(state_of(copy))
    assert states[0] != states[-1], "something happens"
    return steps, states


async def killed_after(seconds: float, zygote: Zygote, task: Task) -> list[str]:
    """Have a task done by a process that is killed after some time; gives the steps that it had made."""

    async def kill(pid: int) -> None:
        await trio.sleep(seconds)
        with suppress(ProcessLookupError):  # it has ended before
            os.kill(pid, signal.SIGKILL)

    async with trio.open_nursery() as nursery:
        made, _ = await zygote.run(task, lambda pid: nursery.start_soon(kill, pid))
        nursery.cancel_scope.cancel()
    return made
