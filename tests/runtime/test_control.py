"""What an operator can ask over the control socket, and that it is done when it is answered."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import GroupStatus
from runtime.control import serve_control
from runtime.control_client import Refused, order, reload_all, stacks, status, top

from .controlled import Idle, controlled
from .kit import Echo, Note, Wait, actor, running, sample


def exists(path: Path) -> bool:
    return path.exists()


async def test_the_status_is_the_tree_with_what_its_actors_do(path: Path) -> None:
    gate = trio.Event()
    async with controlled(path, sample("a"), actor("w", Idle)) as system, trio.open_nursery() as nursery:
        nursery.start_soon(system.ref("a").call, Wait(gate))
        await wait_all_tasks_blocked()
        system.ref("a").cast(Note(1))
        snapshot = await status(path)
        gate.set()
    assert snapshot.pid == os.getpid()
    assert isinstance(snapshot.root, GroupStatus)
    a, w = snapshot.root.actors()
    assert (a.name, a.state, a.message, a.queued, a.capacity, a.restarts) == (
        "a",
        "running",
        "Wait",
        1,
        1024,
        0,
    )
    assert a.state_age is not None
    assert a.busy_age is not None
    assert a.oldest_age is not None
    assert w.worker is not None
    assert w.worker.switched_on
    assert w.worker.last_run is not None
    assert w.worker.next_run is not None


async def test_commands_are_done_when_they_are_answered(path: Path) -> None:
    async with controlled(path) as system:
        assert (await order(path, "restart", "a")).incarnations == 2
        assert (await order(path, "suspend", "a")).suspended
        assert not (await order(path, "resume", "a")).suspended
        for command, on in (("switch-off", False), ("switch-on", True)):
            worker = (await order(path, command, "w")).worker
            assert worker is not None
            assert worker.switched_on is on
        assert await system.ref("a").call(Echo(1)) == 1
        assert set(await stacks(path)) == {"a", "w"}


async def test_what_is_suspended_waits_and_is_handled_after_the_end_of_the_suspension(path: Path) -> None:
    journal: list[str] = []
    async with controlled(path, sample("a", journal)) as system:
        await order(path, "suspend", "a")
        system.ref("a").cast(Note(7))
        await wait_all_tasks_blocked()
        assert [each.queued for each in (await status(path)).root.actors()] == [1]
        await order(path, "resume", "a")
        assert await system.ref("a").call(Echo(1)) == 1
    assert "a 7" in journal


async def test_reloading_everything_tells_who_was_not_and_why(path: Path) -> None:
    async with controlled(path) as system:
        result = await reload_all(path)
        assert result.reloaded == ("w",)
        assert "its source is unknown" in result.failed["a"]
        assert [each.incarnations for each in system.status().actors()] == [1, 2]


async def test_top_is_a_stream_with_rates_since_the_snapshot_before(
    path: Path, autojump_clock: MockClock
) -> None:
    gate = trio.Event()
    async with controlled(path) as system, top(path) as snapshots, trio.open_nursery() as nursery:
        assert (await anext(snapshots)).rates is None
        for _ in range(10):
            await system.ref("a").call(Echo(1))
        first = (await anext(snapshots)).rates
        assert first is not None
        assert (first["a"].handled, first["a"].accepted) == (10.0, 10.0)
        assert first["a"].queue_seconds == 0
        nursery.start_soon(system.ref("a").call, Wait(gate))
        begun = (await anext(snapshots)).rates
        assert begun is not None
        assert (begun["a"].queue_seconds, begun["a"].handled) == (0.0, 0.0)
        second = (await anext(snapshots)).rates
        assert second is not None
        assert (second["a"].busy, second["a"].handled) == (1.0, 0.0)
        assert second["w"].queue_seconds is None
        gate.set()


async def test_a_stream_ends_when_the_system_stops(path: Path, autojump_clock: MockClock) -> None:
    async with controlled(path) as system, top(path) as snapshots:
        system.request_stop()
        with trio.fail_after(10):
            async for _ in snapshots:
                pass


async def test_it_answers_while_the_system_drains_and_leaves_nothing_behind(path: Path) -> None:
    gate = trio.Event()
    async with running(sample("a")) as system, trio.open_nursery() as nursery:
        await nursery.start(serve_control, system, path)
        nursery.start_soon(system.ref("a").call, Wait(gate))
        await wait_all_tasks_blocked()
        system.request_stop()
        await wait_all_tasks_blocked()
        assert (await status(path)).stopping
        gate.set()
    assert not exists(path)


@pytest.mark.parametrize(
    ("command", "name", "reason"),
    [
        ("restart", "ab", r"no actor is named 'ab'; did you mean 'a'\?"),
        ("suspend", "ab", r"did you mean 'a'"),
        ("reload", "a", "a was not reloaded, its old code goes on: its factory is neither"),
        ("switch-off", "a", "a has no switch"),
        ("restrat", "a", "there is no command 'restrat'; did you mean 'restart'"),
    ],
)
async def test_what_cannot_be_done_is_told_why(path: Path, command: str, name: str, reason: str) -> None:
    async with controlled(path) as system:
        with pytest.raises(Refused, match=reason):
            await order(path, command, name)
        assert await system.ref("a").call(Echo(1)) == 1


async def test_an_order_is_carried_out_and_answered_although_the_operator_says_no_more(path: Path) -> None:
    gate = trio.Event()
    async with controlled(path) as system, trio.open_nursery() as nursery:
        nursery.start_soon(system.ref("a").call, Wait(gate))
        await wait_all_tasks_blocked()
        async with await trio.open_unix_socket(path) as stream:
            await stream.send_all(b'{"command": "restart", "name": "a"}\n')
            await stream.send_eof()
            await wait_all_tasks_blocked()
            gate.set()
            assert b'"incarnations":2' in await stream.receive_some()
