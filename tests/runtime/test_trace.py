"""One beginning, one causal id: through messages, over rows of a database, and on every log line."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import trio

from runtime import Actor, Call, Context, DeadlineExceeded, Envelope, Message, current_trace
from runtime.envelope import handling
from runtime.trace import Adopted

from .kit import Echo, Note, Sample, actor, running


class Passing(Sample):
    """Notes under which id it works, and passes a note on to `next_one`."""

    def __init__(self, context: Context, journal: list[str | None], next_one: str | None = None) -> None:
        super().__init__(context)
        self.seen = journal
        self.next_one = next_one

    async def receive(self, message: Message) -> object:
        self.seen.append(current_trace())
        assert self.context.trace == current_trace()
        if self.next_one is not None:
            self.context.ref(self.next_one).cast(Note(0))
            await self.context.ref(self.next_one).call(Echo(0))
        return await super().receive(message)


async def test_what_follows_from_a_message_has_its_causal_id_and_another_message_another() -> None:
    first: list[str | None] = []
    second: list[str | None] = []
    async with running(
        actor("b", lambda context: Passing(context, second)),
        actor("a", lambda context: Passing(context, first, "b")),
    ) as system:
        await system.ref("a").call(Echo(1))
        await system.ref("a").call(Echo(1))
    one, other = first
    assert one != other
    assert second == [one, one, other, other]
    assert current_trace() is None


class Adopting(Sample):
    """Works on two rows, each with the id of what wrote it, in the handler and in a task."""

    def __init__(self, context: Context, journal: list[str | None]) -> None:
        super().__init__(context)
        self.seen = journal

    async def receive(self, message: Message) -> object:
        own = self.context.trace
        with self.context.adopt("row-1"):
            self.context.nursery.start_soon(self.work, "b")
            with self.context.adopt(None):
                self.seen.append(self.context.trace)
        with self.context.adopt("row-2"):
            await self.work("b")
        assert self.context.trace == own
        return 0

    async def work(self, name: str) -> None:
        await self.context.ref(name).call(Echo(1))


async def test_work_on_a_row_goes_on_under_the_id_that_the_row_carries() -> None:
    own: list[str | None] = []
    served: list[str | None] = []
    async with running(
        actor("b", lambda context: Passing(context, served)),
        actor("a", lambda context: Adopting(context, own)),
    ) as system:
        await system.ref("a").call(Echo(1))
        await trio.testing.wait_all_tasks_blocked()
    assert own == ["row-1"]
    assert sorted(map(str, served)) == ["row-1", "row-2"]


class Late(Sample):
    """Adopts, then asks somebody who does not answer in time."""

    async def receive(self, message: Message) -> object:
        with self.context.adopt("row"):
            return await self.context.ref("silent").call(Echo(1), timeout=1000)


class Silent(Sample):
    async def receive(self, message: Message) -> object:
        await trio.sleep(500)
        return None


async def test_adopting_does_not_lengthen_the_deadline_of_the_message_in_hand(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with running(actor("silent", Silent), actor("late", Late)) as system:
        with pytest.raises(DeadlineExceeded):
            await system.ref("late").call(Echo(1), timeout=2)
        await trio.sleep(1)
        [late] = [each for each in system.status().actors() if each.name == "late"]
        assert late.message is None, "it gave up when its own caller did"
        system.cancel()


class Batching(Actor):
    """Answers each message of a batch with the id that it came under."""

    batch = 8

    async def receive_batch(self, envelopes: Sequence[Envelope]) -> None:
        assert self.context.trace is None, "a batch has many"
        for envelope in envelopes:
            envelope.reply(self.context.trace_of(envelope))


class Ask(Call[str]):
    """Asks under which id it came."""


async def test_each_message_of_a_batch_has_the_id_of_its_own_sender() -> None:
    class Asking(Sample):
        async def receive(self, message: Message) -> object:
            with self.context.adopt(f"row-{self.context.name}"):
                return await self.context.ref("batching").call(Ask())

    async with running(
        actor("batching", Batching), *(actor(name, Asking) for name in ("one", "two"))
    ) as system:
        answers: list[object] = []

        async def ask(name: str) -> None:
            answers.append(await system.ref(name).call(Echo(1)))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask, "one")
            nursery.start_soon(ask, "two")
    assert sorted(map(str, answers)) == ["row-one", "row-two"]


async def test_the_chain_shows_where_work_was_taken_up_from_a_row() -> None:
    chains: list[list[str]] = []

    class Last(Sample):
        async def receive(self, message: Message) -> object:
            envelope = handling.get()
            assert envelope is not None
            chains.append(list(envelope.chain()))
            return await super().receive(message)

    async with running(actor("b", Last), actor("a", lambda context: Adopting(context, []))) as system:
        await system.ref("a").call(Echo(1))
    assert [f"b:{Echo.__name__}", f"a:{Adopted.__name__}", f"a:{Echo.__name__}"] in chains
