"""Who is restarted when somebody fails, when, and when the failure climbs: Erlang/OTP's rules."""

from __future__ import annotations

from collections.abc import MutableMapping
from contextlib import suppress
from itertools import pairwise
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import ActorCrashed, ActorSpec, Context, Intensity, Message, System, TreeFailed
from runtime.specs import Restart, Strategy

from .kit import Crash, CrashSoon, Echo, Note, Sample, actor, group, running, sample, system_of


async def crash(system: System, name: str) -> None:
    with suppress(ActorCrashed):
        await system.ref(name).call(Crash())
    await wait_all_tasks_blocked()


def incarnations(system: System) -> dict[str, int]:
    return {status.name: status.incarnations for status in system.status().actors()}


def states(system: System) -> dict[str, str]:
    return {status.name: status.state for status in system.status().actors()}


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("one_for_one", {"a": 1, "b": 2, "c": 1}),
        ("rest_for_one", {"a": 1, "b": 2, "c": 2}),
        ("one_for_all", {"a": 2, "b": 2, "c": 2}),
    ],
)
async def test_a_strategy_says_who_is_restarted_with_the_one_that_failed(
    strategy: Strategy, expected: dict[str, int]
) -> None:
    async with running(sample("a"), sample("b"), sample("c"), strategy=strategy) as system:
        await crash(system, "b")
        assert incarnations(system) == expected
        assert set(states(system).values()) == {"running"}


async def test_siblings_are_taken_down_in_reverse_and_brought_up_in_order() -> None:
    journal: list[str] = []
    children = [sample(name, journal) for name in "abcd"]
    async with running(*children, strategy="one_for_all") as system:
        journal.clear()
        await crash(system, "b")
        expected = ["d stopped", "c stopped", "a stopped", "a started", "b started", "c started", "d started"]
        assert journal == expected


@pytest.mark.parametrize(
    ("restart", "ending", "expected"),
    [
        ("permanent", "crash", "running"),
        ("permanent", "finish", "running"),
        ("transient", "crash", "running"),
        ("transient", "finish", "stopped"),
        ("temporary", "crash", "stopped"),
        ("temporary", "finish", "stopped"),
    ],
)
async def test_the_restart_word_says_whether_an_end_is_final(
    restart: Restart, ending: str, expected: str
) -> None:
    class Finishing(Sample):
        async def receive(self, message: Message) -> object:
            if isinstance(message, Note):
                self.context.finish()
            return await super().receive(message)

    async with running(ActorSpec("a", Finishing, restart=restart), sample("b")) as system:
        if ending == "crash":
            await crash(system, "a")
        else:
            system.ref("a").cast(Note(1))
            await wait_all_tasks_blocked()
        assert states(system)["a"] == expected
        assert incarnations(system)["a"] == (2 if expected == "running" else 1)


async def test_the_death_of_a_temporary_actor_touches_nobody() -> None:
    async with running(sample("a", restart="temporary"), sample("b"), strategy="one_for_all") as system:
        await crash(system, "a")
        assert incarnations(system) == {"a": 1, "b": 1}


async def test_a_temporary_actor_taken_down_with_a_sibling_stays_down() -> None:
    async with running(sample("a"), sample("b", restart="temporary"), strategy="one_for_all") as system:
        await crash(system, "a")
        assert states(system) == {"a": "running", "b": "stopped"}


async def test_a_transient_actor_taken_down_with_a_sibling_comes_back() -> None:
    async with running(sample("a"), sample("b", restart="transient"), strategy="one_for_all") as system:
        await crash(system, "a")
        assert incarnations(system) == {"a": 2, "b": 2}


async def test_a_group_is_a_child_like_any_other_of_the_group_above() -> None:
    tree = group(
        group(sample("a"), sample("b"), name="core", strategy="rest_for_one"),
        group(sample("c"), sample("d"), name="edge", strategy="one_for_one"),
        strategy="rest_for_one",
    )
    async with system_of(tree) as system:
        await crash(system, "a")
        assert incarnations(system) == {"a": 2, "b": 2, "c": 1, "d": 1}
        await crash(system, "c")
        assert incarnations(system) == {"a": 2, "b": 2, "c": 2, "d": 1}


async def test_too_many_restarts_of_a_group_are_a_failure_of_the_group(autojump_clock: MockClock) -> None:
    tree = group(
        group(sample("a"), sample("b"), name="core", intensity=Intensity(2, 60.0)),
        group(sample("c"), name="edge"),
        strategy="rest_for_one",
    )
    async with system_of(tree) as system:
        for _ in range(2):
            await crash(system, "a")
            await trio.sleep(1)
        assert incarnations(system) == {"a": 3, "b": 1, "c": 1}
        await crash(system, "a")
        await trio.sleep(1)
        assert incarnations(system) == {"a": 4, "b": 2, "c": 2}


async def test_restarts_that_are_far_enough_apart_are_never_too_many(autojump_clock: MockClock) -> None:
    tree = group(group(sample("a"), sample("b"), name="core", intensity=Intensity(1, 10.0)))
    async with system_of(tree) as system:
        for _ in range(5):
            await system.ref("a").call(Echo(1))
            await trio.sleep(20)
            await crash(system, "a")
        assert incarnations(system) == {"a": 6, "b": 1}


async def test_too_many_restarts_of_the_root_drain_the_tree_and_fail(autojump_clock: MockClock) -> None:
    journal: list[str] = []
    tree = group(sample("a", journal), sample("b", journal), intensity=Intensity(1, 60.0))
    with pytest.RaisesGroup(
        pytest.RaisesExc(TreeFailed, match="the actors of root failed too often, last: RuntimeError: on")
    ):
        async with system_of(tree) as system:
            await crash(system, "b")
            await trio.sleep(1)
            system.ref("a").cast(Note(1))
            await crash(system, "b")
            await system.stopped.wait()
    assert journal[-2:] == ["a 1", "a stopped"]


async def test_restarts_in_a_row_wait_longer_and_longer_with_jitter(autojump_clock: MockClock) -> None:
    births: list[float] = []

    class Doomed(Sample):
        async def started(self) -> None:
            births.append(trio.current_time())
            if len(births) > 1:
                raise OSError("no such host")

    async with running(actor("a", Doomed)) as system:
        system.ref("a").cast(CrashSoon())
        await trio.sleep(100)
        assert states(system)["a"] == "backoff"
    gaps = [later - earlier for earlier, later in pairwise(births)]
    assert gaps[0] == 0
    assert gaps[1] == pytest.approx(0.1, rel=0.2)
    assert gaps[4] == pytest.approx(0.8, rel=0.2)
    assert max(gaps) <= 36
    assert gaps[1] != 0.1


async def test_a_backoff_of_one_holds_up_nobody_else(autojump_clock: MockClock) -> None:
    class Doomed(Sample):
        async def started(self) -> None:
            if self.journal:
                raise OSError("no such host")
            self.journal.append("born")

    journal: list[str] = []
    async with running(actor("a", lambda context: Doomed(context, journal)), sample("b")) as system:
        await crash(system, "a")
        await trio.sleep(10)
        await crash(system, "b")
        assert incarnations(system)["b"] == 2
        assert states(system) == {"a": "backoff", "b": "running"}


async def test_the_one_that_fails_to_come_back_is_tried_again_and_its_dependents_follow(
    autojump_clock: MockClock,
) -> None:
    attempts: list[float] = []
    journal: list[str] = []

    class Stubborn(Sample):
        async def started(self) -> None:
            attempts.append(trio.current_time())
            if len(attempts) in (2, 3, 4):
                raise OSError("not yet")
            await super().started()

    children = [
        sample("a", journal),
        actor("b", lambda context: Stubborn(context, journal)),
        sample("c", journal),
    ]
    async with running(*children, strategy="rest_for_one") as system:
        journal.clear()
        await crash(system, "b")
        await trio.sleep(5)
        assert journal == ["c stopped", "b started", "c started"]
        assert len(attempts) == 5


async def test_a_crash_in_a_task_of_the_actor_is_a_crash_of_the_actor() -> None:
    class Busy(Sample):
        async def receive(self, message: Message) -> object:
            self.context.nursery.start_soon(self.fail)
            return None

        async def fail(self) -> None:
            raise RuntimeError("in the background")

    async with running(actor("a", Busy)) as system:
        system.ref("a").cast(Note(1))
        await wait_all_tasks_blocked()
        (status,) = system.status().actors()
        assert status.incarnations == 2
        assert status.last_error == "RuntimeError: in the background"


async def test_a_crash_while_stopping_for_a_sibling_is_reported_and_does_not_disturb(
    reports: list[MutableMapping[str, Any]],
) -> None:
    class BadLoser(Sample):
        async def stopping(self) -> None:
            raise RuntimeError("last words")

    async with running(sample("a"), actor("b", BadLoser), strategy="one_for_all") as system:
        await crash(system, "a")
        assert incarnations(system) == {"a": 2, "b": 2}
        assert states(system) == {"a": "running", "b": "running"}
    assert "RuntimeError: last words" in [entry.get("reason") for entry in reports]


async def test_each_death_is_reported_once_with_its_cause(reports: list[MutableMapping[str, Any]]) -> None:
    class Teller(Sample):
        async def receive(self, message: Message) -> object:
            if isinstance(message, Echo):
                self.context.ref("b").cast(CrashSoon("told to"))
            return 0

    async with running(actor("a", Teller), sample("b")) as system:
        await system.ref("a").call(Echo(1))
        await wait_all_tasks_blocked()
    (report,) = [entry for entry in reports if entry["event"] == "actor crashed"]
    assert report["actor"] == "b"
    assert report["message"] == "CrashSoon"
    assert report["chain"] == ["b:CrashSoon", "a:Echo"]
    assert report["incarnation"] == 1
    assert isinstance(report["exc_info"], RuntimeError)
    assert report["exc_info"].__traceback__ is not None


async def test_resources_are_closed_before_the_next_incarnation_opens_its_own() -> None:
    journal: list[str] = []

    class Holder(Sample):
        async def started(self) -> None:
            journal.append("open")
            self.context.stack.callback(journal.append, "close")
            self.context.nursery.start_soon(self.use)

        async def use(self) -> None:
            try:
                await trio.sleep_forever()
            finally:
                journal.append("task ends")

    async with running(actor("a", Holder)) as system:
        await crash(system, "a")
    assert journal == ["open", "task ends", "close", "open", "task ends", "close"]


async def test_what_was_queued_and_what_comes_during_a_restart_is_handled_after_it(
    autojump_clock: MockClock,
) -> None:
    journal: list[str] = []

    class Slow(Sample):
        async def started(self) -> None:
            await trio.sleep(5)

    async with running(actor("a", lambda context: Slow(context, journal))) as system:
        ref = system.ref("a")
        ref.cast(CrashSoon())
        for value in range(3):
            ref.cast(Note(value))
        await wait_all_tasks_blocked()
        ref.cast(Note(3))
        assert await ref.call(Echo(8)) == 8
        assert journal == ["a 0", "a 1", "a 2", "a 3"]


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


async def test_an_actor_that_hangs_is_reported_with_its_stack_and_restarted(
    autojump_clock: MockClock, reports: list[MutableMapping[str, Any]]
) -> None:
    class Hanging(Sample):
        async def receive(self, message: Message) -> object:
            if isinstance(message, Note):
                await self.stuck()
            return await super().receive(message)

        async def stuck(self) -> None:
            await trio.sleep_forever()

    async with running(ActorSpec("a", Hanging, handle_timeout=7)) as system:
        await trio.sleep(3)
        await system.ref("a").call(Echo(1))
        await trio.sleep(3)
        system.ref("a").cast(Note(1))
        begun = trio.current_time()
        assert await system.ref("a").call(Echo(2)) == 2
        assert trio.current_time() - begun == 7
    (report,) = [entry for entry in reports if entry["event"] == "actor hangs"]
    assert report["actor"] == "a"
    assert "await self.stuck()" in report["stack"]
    (death,) = [entry for entry in reports if entry["event"] == "actor crashed"]
    assert death["reason"] == "Hung: held Note for more than 7 s"


async def test_a_batch_of_quick_messages_is_not_taken_for_a_hang(autojump_clock: MockClock) -> None:
    class Steady(Sample):
        async def receive(self, message: Message) -> object:
            await trio.sleep(3)
            return 0

    async with running(ActorSpec("a", Steady, handle_timeout=5, stop_timeout=1000)) as system:
        for value in range(20):
            system.ref("a").cast(Note(value))
        await system.ref("a").call(Echo(1), timeout=100)
        assert incarnations(system) == {"a": 1}


async def test_a_factory_that_fails_is_a_failure_like_any_other(autojump_clock: MockClock) -> None:
    born = 0

    def factory(context: Context) -> Sample:
        nonlocal born
        born += 1
        if born == 2:
            raise RuntimeError("in the constructor")
        return Sample(context)

    async with running(actor("a", factory)) as system:
        await crash(system, "a")
        assert await system.ref("a").call(Echo(4)) == 4
        assert born == 3


async def test_an_actor_that_cannot_be_cancelled_is_reported_until_it_ends(
    autojump_clock: MockClock, reports: list[MutableMapping[str, Any]]
) -> None:
    class Shielded(Sample):
        async def receive(self, message: Message) -> object:
            if isinstance(message, Note):
                with trio.CancelScope(shield=True):
                    await trio.sleep(40)
            return await super().receive(message)

    async with running(ActorSpec("a", Shielded, handle_timeout=5)) as system:
        system.ref("a").cast(Note(1))
        assert await system.ref("a").call(Echo(1), timeout=100) == 1
        assert trio.current_time() == 40
    undead = [entry for entry in reports if entry["event"] == "actor ignores its cancellation"]
    assert len(undead) == 3
    assert "trio.sleep(40)" in undead[0]["stack"]
