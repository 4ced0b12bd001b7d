"""What needs an operator is told to every actor that follows: its begin, its end, and what lasts already."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime import ActorSpec, Alert, Context, Message
from runtime.alerts import CRASHED, HANGS, LOOP_HELD, NOTHING_DONE, UNDEAD
from runtime.watchdog import watch_loop

from .kit import Crash, Echo, Note, Sample, crash, running, sample
from .sweeping import sweeper


class Herald(Sample):
    """Follows alerts from its start on, and notes them down."""

    def __init__(self, context: Context, heard: list[Alert]) -> None:
        super().__init__(context)
        self.heard = heard

    async def started(self) -> None:
        self.context.follow_alerts()

    async def receive(self, message: Message) -> object:
        if isinstance(message, Alert):
            self.heard.append(message)
            return None
        return await super().receive(message)


def herald(heard: list[Alert]) -> ActorSpec:
    return ActorSpec("herald", lambda context: Herald(context, heard))


async def test_a_worker_that_does_nothing_is_told_once_and_so_is_the_end_of_it(
    autojump_clock: MockClock,
) -> None:
    heard: list[Alert] = []
    rows = ["poison 1"]
    text = "1 rows are due and none was dealt with"
    async with running(herald(heard), sweeper(rows, [])) as system:
        await trio.sleep(200)
        assert heard == [Alert("w", NOTHING_DONE, text, lasts=True)]
        assert [status.alerts for status in system.status().actors()] == [{}, {NOTHING_DONE: text}]
        rows.append("a")
        await trio.sleep(60)
        assert heard[1:] == [Alert("w", NOTHING_DONE, text, lasts=True, over=True)]
        assert [status.alerts for status in system.status().actors()] == [{}, {}]


async def test_who_begins_to_follow_is_told_what_lasts_already(autojump_clock: MockClock) -> None:
    heard: list[Alert] = []
    async with running(herald(heard), sweeper(["poison 1"], [])) as system:
        await trio.sleep(10)
        await crash(system, "herald")
        lasting = [(alert.actor, alert.kind, alert.over) for alert in heard if alert.lasts]
        assert lasting == [("w", NOTHING_DONE, False)] * 2


async def test_an_actor_alerts_for_reasons_of_its_own_and_a_crash_does_not_end_that(
    reports: list[MutableMapping[str, Any]],
) -> None:
    class Alarmed(Sample):
        async def receive(self, message: Message) -> object:
            match message:
                case Note(0):
                    self.context.end_alert("node is down")
                case Note(number):
                    self.context.alert("node is down", f"for the {number}. time")
            return await super().receive(message)

    heard: list[Alert] = []
    async with running(herald(heard), ActorSpec("a", Alarmed)) as system:
        system.ref("a").cast(Note(1))
        await crash(system, "a")
        system.ref("a").cast(Note(2))
        await system.ref("a").call(Echo(1))
        assert [status.alerts for status in system.status().actors()][1] == {
            "node is down": "for the 2. time"
        }
        system.ref("a").cast(Note(0))
        system.ref("a").cast(Note(0))
        await system.ref("a").call(Echo(1))
        await wait_all_tasks_blocked()
        assert [(alert.text, alert.over) for alert in heard] == [
            ("for the 1. time", False),
            ("it crashed: RuntimeError: on request", False),
            ("for the 2. time", True),
        ]
    logged = [(entry["event"], entry["actor"]) for entry in reports if entry["event"] == "node is down"]
    assert logged == [("node is down", "a")]


async def test_nothing_lasts_of_an_actor_that_has_stopped_for_good() -> None:
    class Leaving(Sample):
        async def started(self) -> None:
            self.context.alert("ill", "and about to go")

    heard: list[Alert] = []
    async with running(herald(heard), ActorSpec("a", Leaving, restart="temporary")) as system:
        with pytest.raises(Exception, match="on request"):
            await system.ref("a").call(Crash())
        await wait_all_tasks_blocked()
        assert [(alert.kind, alert.over) for alert in heard] == [
            ("ill", False),
            (CRASHED, False),
            ("ill", True),
        ]


async def test_a_hang_is_told_and_one_that_cannot_be_ended_until_it_ends(autojump_clock: MockClock) -> None:
    class Shielded(Sample):
        async def receive(self, message: Message) -> object:
            with trio.CancelScope(shield=True):
                await trio.sleep(40)
            return None

    heard: list[Alert] = []
    async with running(herald(heard), ActorSpec("a", Shielded, handle_timeout=5)) as system:
        system.ref("a").cast(Note(1))
        await trio.sleep(60)
    assert [(alert.kind, alert.lasts, alert.over) for alert in heard] == [
        (HANGS, False, False),
        (UNDEAD, True, False),
        (UNDEAD, True, True),
    ]
    assert heard[0].text == "it held Note for more than 5 s and is restarted"


async def test_who_held_the_loop_is_told_even_if_nothing_else_happens_afterwards() -> None:
    heard: list[Alert] = []
    told = trio.Event()

    class Listener(Herald):
        async def receive(self, message: Message) -> object:
            await super().receive(message)
            told.set()
            return None

    async with running(sample("a"), ActorSpec("herald", lambda context: Listener(context, heard))) as system:
        # Every turn is too long for this limit: what is told of is that of the call below.
        async with watch_loop(longest_turn=0.0):
            await system.ref("a").call(Echo(1))
        with trio.fail_after(10):
            await told.wait()
    assert (heard[0].actor, heard[0].kind) == ("a", LOOP_HELD)


async def test_a_follower_that_has_no_room_holds_up_nobody() -> None:
    heard: list[Alert] = []
    spec = ActorSpec("herald", lambda context: Herald(context, heard), mailbox=1)

    class Noisy(Sample):
        async def receive(self, message: Message) -> object:
            for number in range(5):
                self.context.alert(f"reason {number}", "one of many")
            return 0

    async with running(spec, ActorSpec("a", Noisy)) as system:
        assert await system.ref("a").call(Echo(1)) == 0
        assert len([status.alerts for status in system.status().actors()][1]) == 5
    assert [alert.kind for alert in heard][:1] == ["reason 0"]
