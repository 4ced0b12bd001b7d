"""Messages between actors in the ordinary case: answered, in order, each once, and everybody in turn."""

from __future__ import annotations

from typing import assert_type

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from runtime import Actor, Message, NotUnderstood, UnknownActor

from .forwarding import Forward, Forwarder
from .kit import Echo, Hint, Note, Wait, actor, running, sample


async def test_a_call_returns_the_answer_with_its_type() -> None:
    async with running(sample("a")) as system:
        answer = await system.ref("a").call(Echo(7))
        assert_type(answer, int)
        assert answer == 7


async def test_messages_of_one_sender_are_handled_in_order() -> None:
    journal: list[str] = []
    async with running(sample("a", journal)) as system:
        ref = system.ref("a")
        for value in range(200):
            ref.cast(Note(value))
        await ref.call(Echo(0))
    assert journal[1:-1] == [f"a {value}" for value in range(200)]


async def test_a_waiting_hint_swallows_an_equal_one_but_no_other() -> None:
    journal: list[str] = []
    gate = trio.Event()
    async with running(sample("a", journal)) as system, trio.open_nursery() as nursery:
        ref = system.ref("a")
        nursery.start_soon(ref.call, Wait(gate))
        await wait_all_tasks_blocked()
        assert all(ref.cast(hint) for hint in (Hint(1), Hint(1), Hint(2), Hint(1)))
        gate.set()
        await ref.call(Echo(0))
        ref.cast(Hint(1))
        await ref.call(Echo(0))
    assert journal[1:-1] == ["a 1", "a 2", "a 1"]


async def test_an_unknown_message_is_the_senders_mistake_alone() -> None:
    class Plain(Actor):
        pass

    async with running(actor("a", Plain)) as system:
        with pytest.raises(NotUnderstood, match="a does not understand Echo"):
            await system.ref("a").call(Echo(1))
        assert next(system.status().actors()).incarnations == 1


async def test_a_name_that_nobody_has_is_found_when_the_reference_is_made() -> None:
    async with running(sample("db_writer")) as system:
        with pytest.raises(UnknownActor, match="'db_writter'; did you mean 'db_writer'"):
            system.ref("db_writter")


async def test_a_busy_actor_gives_others_their_turn() -> None:
    turns: list[int] = []
    journal: list[str] = []
    async with running(sample("a", journal)) as system, trio.open_nursery() as nursery:
        for value in range(640):
            system.ref("a").cast(Note(value))

        async def other() -> None:
            while len(journal) < 641:
                turns.append(len(journal))
                await trio.lowlevel.checkpoint()

        nursery.start_soon(other)
    assert len(turns) >= 9


async def test_the_causal_id_follows_the_messages() -> None:
    traces: list[tuple[str, str | None]] = []

    class Traced(Forwarder):
        async def receive(self, message: Message) -> object:
            traces.append((self.context.name, self.context.trace))
            return await super().receive(message)

    async with running(
        actor("b", lambda context: Traced(context, "")), actor("a", lambda context: Traced(context, "b"))
    ) as system:
        await system.ref("a").call(Forward(1))
        await system.ref("a").call(Forward(2))
    assert [name for name, _ in traces] == ["a", "b", "a", "b"]
    first, second = traces[0][1], traces[2][1]
    assert traces[1][1] == first
    assert traces[3][1] == second
    assert first != second
