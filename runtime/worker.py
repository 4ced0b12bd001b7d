"""A worker: an actor that looks at the world now and then, and whenever it is told that looking is worth it.

It starts with a look, looks again each period, and looks at once when somebody casts it a `Tick`; ticks that wait
are one, and a tick is a message like any other, so two never run at once.
"""

from __future__ import annotations

from typing import ClassVar

from .actor import Actor
from .messages import Message, Tick


class Worker(Actor):
    """Subclass, set `period`, and define `tick`."""

    period: ClassVar[float] = 60.0
    """Seconds between two looks by the clock; `context.settings["period"]` overrides it."""

    async def tick(self) -> None:
        """Look, and do what is due."""
        raise NotImplementedError(f"{type(self).__name__} must define tick")

    async def receive(self, message: Message) -> object:
        match message:
            case Tick():
                if not self.context.stopping:
                    await self.tick()
                return None
            case _:
                return await super().receive(message)

    async def ready(self) -> None:
        period = self.context.settings.get("period", self.period)
        assert isinstance(period, int | float), "the parser of `period` returns seconds"
        self.context.every(period, Tick())
