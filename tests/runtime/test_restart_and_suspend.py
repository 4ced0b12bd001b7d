"""One actor restarted, suspended or resumed by an operator: its queue is kept and nobody else is touched."""

from __future__ import annotations

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from .kit import Echo, Note, Sample, actor, crash, incarnations, running, sample, states


async def test_an_operators_restart_keeps_the_queue_touches_nobody_and_is_not_counted() -> None:
    journal: list[str] = []
    async with running(sample("a", journal), sample("b"), strategy="one_for_all") as system:
        for value in range(100):
            system.ref("a").cast(Note(value))
            if value % 10 == 0:
                system.request_restart("a")
                await trio.lowlevel.checkpoint()
        await system.ref("a").call(Echo(1))
        assert incarnations(system)["a"] > 2
        assert incarnations(system)["b"] == 1
        assert [status.restarts for status in system.status().actors()] == [0, 0]
    notes = [entry for entry in journal if entry[2:].isdigit()]
    assert notes == [f"a {value}" for value in range(100)]


async def test_an_operators_restart_ends_a_backoff(autojump_clock: MockClock) -> None:
    broken = True

    class Doomed(Sample):
        async def started(self) -> None:
            if self.journal and broken:
                raise OSError("no such host")
            self.journal.append("born")

    journal: list[str] = []
    async with running(actor("a", lambda context: Doomed(context, journal))) as system:
        await crash(system, "a")
        await trio.sleep(60)
        assert states(system)["a"] == "backoff"
        broken = False
        system.request_restart("a")
        await wait_all_tasks_blocked()
        assert states(system)["a"] == "running"


async def test_an_operator_can_bring_back_what_had_stopped_for_good() -> None:
    async with running(sample("a", restart="temporary")) as system:
        ref = system.ref("a")
        await crash(system, "a")
        system.request_restart("a")
        await wait_all_tasks_blocked()
        assert await ref.call(Echo(3)) == 3


async def test_a_suspended_actor_takes_nothing_and_loses_nothing_even_over_a_crash(
    autojump_clock: MockClock,
) -> None:
    journal: list[str] = []

    class Fragile(Sample):
        async def started(self) -> None:
            await super().started()
            self.context.nursery.start_soon(self.break_down)

        async def break_down(self) -> None:
            await trio.sleep(5)
            if len(self.journal) < 2:
                raise RuntimeError("while suspended")

    async with running(actor("a", lambda context: Fragile(context, journal))) as system:
        system.suspend("a")
        system.ref("a").cast(Note(1))
        await trio.sleep(10)
        assert journal == ["a started", "a started"]
        assert states(system) == {"a": "suspended"}
        system.resume("a")
        await system.ref("a").call(Echo(1))
        assert journal[2:] == ["a 1"]
        assert states(system) == {"a": "running"}


async def test_a_suspended_actor_stops_and_restarts_when_told(autojump_clock: MockClock) -> None:
    async with running(sample("a")) as system:
        system.suspend("a")
        await wait_all_tasks_blocked()
        system.request_restart("a")
        await wait_all_tasks_blocked()
        assert incarnations(system) == {"a": 2}
        assert states(system) == {"a": "suspended"}
