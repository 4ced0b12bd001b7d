"""A mailbox that only grows is an alert; one that is being worked off is not, and nobody looks at a quiet one."""

from __future__ import annotations

from collections.abc import MutableMapping
from functools import partial
from typing import Any

import trio
from trio.testing import MockClock

from runtime import ActorSpec, Message, System
from runtime.alerts import MAILBOX_GROWS
from runtime.backlog import CROWD, LOOK_SECONDS, LOOKS
from runtime.metrics import tree_metrics

from .kit import Note, Sample, running, sample

ALERT_SECONDS = LOOK_SECONDS * LOOKS


class Slow(Sample):
    """A second for each message."""

    async def receive(self, message: Message) -> object:
        await trio.sleep(1)
        return None


def slow(mailbox: int = 1024) -> ActorSpec:
    return ActorSpec("a", Slow, mailbox=mailbox, stop_timeout=1e6)


def grows(system: System) -> bool:
    (status,) = system.status().actors()
    gauge = next(
        each for each in tree_metrics(system.status(), "test") if each.name.endswith("mailbox_grows")
    )
    assert gauge.samples[0].value == (MAILBOX_GROWS in status.alerts)
    return MAILBOX_GROWS in status.alerts


async def ask_too_much(system: System, seconds: float) -> None:
    """Two messages each second."""
    for number in range(int(seconds * 2)):
        system.ref("a").cast(Note(number))
        await trio.sleep(0.5)


async def test_more_asked_than_done_is_an_alert_until_half_of_it_is_done(
    autojump_clock: MockClock, reports: list[MutableMapping[str, Any]]
) -> None:
    async with running(slow()) as system:
        await ask_too_much(system, CROWD + ALERT_SECONDS / 2)
        assert not grows(system)
        await ask_too_much(system, ALERT_SECONDS)
        assert grows(system)
        (waiting,) = [status.queued for status in system.status().actors()]
        await trio.sleep(waiting / 2 - 2)
        assert grows(system)
        await trio.sleep(2 + LOOK_SECONDS)
        assert not grows(system)
    events = [entry["event"] for entry in reports]
    assert events.count(MAILBOX_GROWS) == 1
    assert events.count("mailbox is being emptied") == 1


async def test_a_burst_that_is_worked_off_is_no_alert_however_large(autojump_clock: MockClock) -> None:
    async with running(slow()) as system:
        for number in range(1000):
            system.ref("a").cast(Note(number))
        for _ in range(30):
            await trio.sleep(LOOK_SECONDS)
            assert not grows(system)
        system.cancel()


async def test_callers_that_wait_for_room_count_as_waiting(autojump_clock: MockClock) -> None:
    async with running(slow(mailbox=2)) as system, trio.open_nursery() as nursery:
        for number in range(10 * int(ALERT_SECONDS)):
            nursery.start_soon(partial(system.ref("a").send, Note(number), timeout=1e6))
            await trio.sleep(0.4)
        assert grows(system)
        nursery.cancel_scope.cancel()
        system.cancel()


async def test_a_suspended_actor_whose_mail_piles_up_is_an_alert(autojump_clock: MockClock) -> None:
    async with running(slow()) as system:
        system.suspend("a")
        await ask_too_much(system, CROWD + ALERT_SECONDS)
        assert grows(system)
        system.cancel()


async def test_nobody_looks_at_a_mailbox_that_is_empty_again(autojump_clock: MockClock) -> None:
    async with running(sample("a")) as system:
        for number in range(500):
            system.ref("a").cast(Note(number))
        await trio.sleep(2 * LOOK_SECONDS)
        assert system.ref("a")._cell.backlog is None
