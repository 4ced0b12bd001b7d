"""For `xray_reconciler` a row is a node: one that hangs or fails takes its own time and nobody else's."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.messages import Compare, Compared
from actors.xray_reconciler import XrayReconciler
from runtime import Actor, ActorSpec, ActorStatus, Context, Message
from runtime.alerts import NOTHING_DONE
from tests.actors.systems import environment, running
from tests.fixtures import xray
from tests.fixtures.postgres import Database

BUDGET_SECONDS = 20
NOTHING_FOUND = Compared(users=0, missing=0, restored=0, orphans=0, removed=0, held_back=0)


class Comparison(Actor):
    """Compares as its node lets it: at once, never, or not without a crash."""

    async def receive(self, message: Message) -> object:
        assert isinstance(message, Compare)
        if "hung" in self.context.name:
            await trio.sleep_forever()
        if "broken" in self.context.name:
            raise RuntimeError("broken")
        return NOTHING_FOUND


class Node(Actor):
    async def started(self) -> None:
        await self.context.start_child(ActorSpec("comparison", Comparison))


class Nodes(Actor):
    """In the place of the `vpn` actor."""

    def __init__(self, context: Context, names: list[str]) -> None:
        super().__init__(context)
        self.names = names

    async def started(self) -> None:
        for name in self.names:
            await self.context.start_child(ActorSpec(name, Node))


async def compared(clock: MockClock, database: Database, folder: Path, *names: str) -> ActorStatus:
    """Run the worker's first tick on such nodes; how it is afterwards."""
    nodes = [xray.plain_node(folder, name) for name in names]
    async with environment(database, folder, nodes=nodes) as surroundings:
        actors: dict[str, Callable[[Context], Actor]] = {
            "vpn": partial(Nodes, names=list(names)),
            "xray_reconciler": partial(XrayReconciler, environment=surroundings),
        }
        async with running(actors) as here:
            await wait_all_tasks_blocked()
            clock.jump(BUDGET_SECONDS)
            await wait_all_tasks_blocked()
            status = next(each for each in here.system.status().actors() if each.name == "xray_reconciler")
            here.system.cancel()
    return status


@pytest.mark.requirement("W11", "W12")
async def test_a_node_that_hangs_or_fails_ends_at_the_budget_and_the_others_are_compared(
    mock_clock: MockClock, database: Database, tmp_path: Path
) -> None:
    status = await compared(mock_clock, database, tmp_path, "broken", "hung", "quick")
    assert status.worker is not None
    assert (status.worker.due, status.worker.done) == (3, 1)
    assert status.worker.last_seconds == BUDGET_SECONDS
    assert status.alerts == {}


@pytest.mark.requirement("W15")
async def test_no_node_compared_is_an_alert(
    mock_clock: MockClock, database: Database, tmp_path: Path
) -> None:
    status = await compared(mock_clock, database, tmp_path, "broken", "hung")
    assert status.alerts == {NOTHING_DONE: "none of 2 nodes could be compared"}
