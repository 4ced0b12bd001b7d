"""Processes that carry out batches of the writer's commands and are killed, by SIGKILL, at a step that a test names."""

import pickle
from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Any

import msgspec

from domain.commands import Command
from tests.crash.zygote import Fatal, serve, steps_until
from tests.storage.shop import NOW, made_up_entropy, open_desk

Batch = list[Command[Any]]


class Task(msgspec.Struct):
    """Batches to carry out one after another (see `packed`), and the step at which to die, if at any."""

    conninfo: str
    batches: str
    fatal: Fatal | None = None


def packed(batches: Sequence[Batch]) -> str:
    """Batches as they travel in a task."""
    return b64encode(pickle.dumps(list(batches))).decode()


async def work(task: Task) -> None:
    """Open the writer and carry everything out, or die on the way."""
    async with open_desk(task.conninfo) as desk:
        desk.writer.step = steps_until(task.fatal)
        for number, batch in enumerate(pickle.loads(b64decode(task.batches)), 1):
            desk.writer.entropy = made_up_entropy(
                1_000_000 * number
            )  # the same for a batch, whoever carries it out
            await desk.writer.execute(batch, NOW)


if __name__ == "__main__":
    serve(Task, work)
