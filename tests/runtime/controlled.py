"""A running system with its control socket open, for the tests of what operators do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from runtime import ActorSpec, System, Worker
from runtime.control import serve_control

from .kit import actor, running, sample

LIMIT_SECONDS = 120
"""By the test's clock; what waits for ever is to fail."""


class Idle(Worker):
    async def tick(self) -> None:
        pass


@asynccontextmanager
async def controlled(path: Path, *actors: ActorSpec) -> AsyncIterator[System]:
    with trio.fail_after(LIMIT_SECONDS):
        async with (
            running(*(actors or (sample("a"), actor("w", Idle)))) as system,
            trio.open_nursery() as nursery,
        ):
            await nursery.start(serve_control, system, path)
            yield system
            nursery.cancel_scope.cancel()
