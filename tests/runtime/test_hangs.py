"""An actor that holds one message for too long is reported with its stack and restarted."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import trio
from trio.testing import MockClock

from runtime import ActorSpec, Message

from .kit import Echo, Note, Sample, incarnations, running


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
