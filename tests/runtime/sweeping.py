"""A worker over rows that can be slow or poisoned, and what is seen of it from outside."""

from __future__ import annotations

import trio

from runtime import ActorSpec, Context, Iteration, System, Worker, WorkerStatus

from .kit import Crash


class Sweeper(Worker):
    """Works through `rows`, a few seconds each; what happens is in `log`, with Trio's time."""

    period = 60.0

    def __init__(
        self, context: Context, rows: list[str], log: list[tuple[str, float]], seconds: float = 0.0
    ) -> None:
        super().__init__(context)
        self.rows = rows
        self.log = log
        self.seconds = seconds

    async def tick(self) -> Iteration:
        self.log.append(("tick", trio.current_time()))
        return await self.each(list(self.rows), self.handle, key=str)

    async def handle(self, row: str) -> None:
        await trio.sleep(self.seconds)
        if row.startswith("poison"):
            raise ValueError(f"cannot digest {row}")
        if row.startswith("remote"):
            await self.context.ref("remote").call(Crash())
        if row.startswith("fatal"):
            raise BaseExceptionGroup("dead", [KeyError(row)])
        self.log.append((row, trio.current_time()))
        self.rows.remove(row)


def sweeper(
    rows: list[str], log: list[tuple[str, float]], seconds: float = 0.0, **settings: object
) -> ActorSpec:
    return ActorSpec("w", lambda context: Sweeper(context, rows, log, seconds), settings=settings)


def worker_status(system: System) -> WorkerStatus:
    (status,) = [status.worker for status in system.status().actors() if status.name == "w"]
    assert status is not None
    return status
