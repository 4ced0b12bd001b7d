"""The plain things that the runtime is measured against: Trio's memory channels, asyncio's queues, Pykka's threads.

Each carries the same two messages as the runtime, and only what its name says: no causal chain, no accounting.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import outcome
import pykka
import trio
import trio.testing

from runtime import Call, Cast, Message


@dataclass(frozen=True, slots=True)
class Note(Cast):
    value: int


@dataclass(frozen=True, slots=True)
class Echo(Call[int]):
    value: int


async def channel_casts(count: int) -> None:
    send, receive = trio.open_memory_channel[Note](64)

    async def serve() -> None:
        async for _ in receive:
            pass

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        async with send:
            for value in range(count):
                await send.send(Note(value))


async def channel_calls(count: int) -> None:
    send, receive = trio.open_memory_channel[tuple[Echo, trio.MemorySendChannel[int]]](0)

    async def serve() -> None:
        async for message, reply in receive:
            await reply.send(message.value)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        async with send:
            for value in range(count):
                reply_to, reply = trio.open_memory_channel[int](1)
                await send.send((Echo(value), reply_to))
                assert await reply.receive() == value


async def channel_calls_with_deadline(count: int) -> None:
    send, receive = trio.open_memory_channel[tuple[Echo, trio.MemorySendChannel[int]]](0)

    async def serve() -> None:
        async for message, reply in receive:
            await reply.send(message.value)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        async with send:
            for value in range(count):
                reply_to, reply = trio.open_memory_channel[int](1)
                with trio.fail_after(10):
                    await send.send((Echo(value), reply_to))
                    assert await reply.receive() == value


async def channel_calls_of_many(callers: int, count: int) -> None:
    send, receive = trio.open_memory_channel[tuple[Echo, trio.MemorySendChannel[int]]](64)

    async def serve() -> None:
        async for message, reply in receive:
            await reply.send(message.value)

    async def ask(own: trio.MemorySendChannel[tuple[Echo, trio.MemorySendChannel[int]]]) -> None:
        async with own:
            for value in range(count // callers):
                reply_to, reply = trio.open_memory_channel[int](1)
                await own.send((Echo(value), reply_to))
                assert await reply.receive() == value

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        async with send:
            for _ in range(callers):
                nursery.start_soon(ask, send.clone())


async def bare_switches(count: int) -> None:
    """Two tasks that wake each other: what any round trip between two tasks of Trio costs at the least."""
    server: trio.lowlevel.Task | None = None

    def leave(_: object) -> trio.lowlevel.Abort:
        return trio.lowlevel.Abort.SUCCEEDED

    async def serve() -> None:
        nonlocal server
        server = trio.lowlevel.current_task()
        while True:
            value = await trio.lowlevel.wait_task_rescheduled(leave)
            trio.lowlevel.reschedule(caller, outcome.Value(value))

    async with trio.open_nursery() as nursery:
        caller = trio.lowlevel.current_task()
        nursery.start_soon(serve)
        await trio.testing.wait_all_tasks_blocked()
        assert server is not None
        for value in range(count):
            trio.lowlevel.reschedule(server, outcome.Value(value))
            assert await trio.lowlevel.wait_task_rescheduled(leave) == value
        nursery.cancel_scope.cancel()


async def asyncio_casts(count: int) -> None:
    queue: asyncio.Queue[Note | None] = asyncio.Queue(64)

    async def serve() -> None:
        while await queue.get() is not None:
            pass

    server = asyncio.create_task(serve())
    for value in range(count):
        await queue.put(Note(value))
    await queue.put(None)
    await server


async def asyncio_calls(count: int) -> None:
    queue: asyncio.Queue[tuple[Echo, asyncio.Future[int]]] = asyncio.Queue()

    async def serve() -> None:
        while True:
            message, reply = await queue.get()
            reply.set_result(message.value)

    server = asyncio.create_task(serve())
    loop = asyncio.get_running_loop()
    for value in range(count):
        reply = loop.create_future()
        await queue.put((Echo(value), reply))
        async with asyncio.timeout(10):
            assert await reply == value
    server.cancel()


class PykkaServer(pykka.ThreadingActor):
    """Counts nothing and echoes calls, in a thread of its own."""

    def on_receive(self, message: Message) -> object:
        return message.value if isinstance(message, Echo) else None


def pykka_casts(count: int) -> None:
    ref = PykkaServer.start()
    for value in range(count):
        ref.tell(Note(value))
    ref.stop()


def pykka_calls(count: int) -> None:
    ref = PykkaServer.start()
    for value in range(count):
        assert ref.ask(Echo(value), timeout=10) == value
    ref.stop()
