"""Two actors that are controlled through a data folder. The module holds no message types, so it can be reloaded."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from runtime import Actor, ActorSpec, AdjustableClock, GroupSpec, Message, System, Worker
from runtime.control import serve_control
from tests.runtime.kit import EPOCH, Crash, Echo
from turnpike.control import control_socket


class Clerk(Actor):
    async def receive(self, message: Message) -> object:
        match message:
            case Echo(value):
                return value
            case Crash(text):
                raise RuntimeError(text)
            case _:
                return await super().receive(message)


class Idler(Worker):
    async def tick(self) -> None:
        pass


@asynccontextmanager
async def system_in(folder: Path, *more: ActorSpec) -> AsyncIterator[System]:
    """A small system that is controlled through a data folder."""
    clerk, idler = ActorSpec("clerk", Clerk, mailbox=16), ActorSpec("idler", Idler)
    system = System(GroupSpec("tree", "one_for_one", [clerk, idler, *more]), clock=AdjustableClock(EPOCH))
    async with trio.open_nursery() as nursery:
        await nursery.start(system.run)
        await nursery.start(serve_control, system, control_socket(folder))
        yield system
        system.request_stop()
