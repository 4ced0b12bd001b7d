"""Processes that send what an outbox holds and are killed, by SIGKILL, at a step that the test names.

    python -m tests.crash.postman

Each line on standard input is a `Task` in JSON. For each, a process is forked from this one, which has imported
everything already. It says its number and the name of each step on standard output, and when it has ended this one says
how.
"""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

import msgspec
import trio

from actors.db_writer import DbWriter
from actors.screens import Shop
from actors.sender import Sender
from actors.settings import Telegram
from runtime import Actor, Context, Envelope
from tests.actors.post import Outbox
from tests.actors.systems import environment, running
from tests.fixtures.postgres import Database
from tests.storage.shop import CATALOGUE


class Task(msgspec.Struct):
    """An outbox, the Bot API's address, and the time at the start, and the number of the step at which to die.

    Without one it lives until everything has been sent.
    """

    name: str
    owner: str
    writer: str
    reader: str
    folder: str
    telegram: str
    start: datetime
    fatal: int | None = None


class StepwiseWriter(DbWriter):
    """The writer, one command at a time, so that its steps have the command's name and come in the same order."""

    step: Callable[[str], None]

    async def receive_batch(self, envelopes: Sequence[Envelope]) -> None:
        for envelope in envelopes:
            command = type(envelope.message.command).__name__  # type: ignore[attr-defined]
            assert self._writer is not None, "connected at the start"
            self._writer.step = partial(self._tell, command)
            await super().receive_batch([envelope])

    def _tell(self, command: str, name: str) -> None:
        type(self).step(f"{command}: {name}")


def say(word: str) -> None:
    os.write(1, f"{word}\n".encode())


async def work(task: Task) -> None:
    """Send everything, or die on the way."""
    left = -1 if task.fatal is None else task.fatal

    def step(name: str) -> None:
        nonlocal left
        say(f"step {name}")
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

    StepwiseWriter.step = staticmethod(step)
    Sender.step = staticmethod(step)
    database = Database(task.name, task.owner, task.writer, task.reader)
    async with environment(database, Path(task.folder), telegram=Telegram(api=task.telegram)) as surroundings:
        shop = Shop("Test VPN", "@help", CATALOGUE, [], "http://127.0.0.1:1", crypto=True)
        actors: dict[str, Callable[[Context], Actor]] = {
            "db_writer": partial(StepwiseWriter, environment=surroundings),
            "sender": partial(Sender, environment=surroundings, shop=shop),
        }
        async with running(actors, ["vpn"], start=task.start):
            question = "SELECT NOT EXISTS (SELECT FROM outbox WHERE state IN ('pending', 'sending'))"
            await Outbox(database).until(question, seconds=30)


def main() -> None:
    """Fork for each task."""
    for line in sys.stdin:
        task = msgspec.json.decode(line, type=Task)
        child = os.fork()
        if child == 0:
            say(f"number {os.getpid()}")
            trio.run(work, task)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        say(f"ended {os.waitstatus_to_exitcode(status)}")


if __name__ == "__main__":
    main()
