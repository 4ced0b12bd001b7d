"""Actors that ask another actor in order to answer, for the tests of what passes through more than one."""

from __future__ import annotations

from dataclasses import dataclass

from runtime import ActorSpec, Call, Cast, Context, Message

from .kit import Crash, Echo, Sample, actor


@dataclass(frozen=True, slots=True)
class Forward(Call[int]):
    """Asks the next actor, within `timeout`."""

    value: int
    timeout: float = 30.0


@dataclass(frozen=True, slots=True)
class ForwardCast(Cast):
    value: int


class Forwarder(Sample):
    def __init__(self, context: Context, target: str) -> None:
        super().__init__(context)
        self.target = target

    async def receive(self, message: Message) -> object:
        match message:
            case Forward(value, timeout):
                return await self.context.ref(self.target).call(Echo(value), timeout=timeout)
            case ForwardCast(value):
                return await self.context.ref(self.target).call(Crash())
            case _:
                return await super().receive(message)


def forwarder(name: str, target: str) -> ActorSpec:
    return actor(name, lambda context: Forwarder(context, target))
