"""Processes that send what an outbox holds and are killed, by SIGKILL, at a step that the test names.

    python -m tests.crash.postman

Each line on standard input is a `Task` in JSON. For each, a process is forked from this one, which has made
everything ready. It says its number and the name of each step on standard output, and when it has ended this one says
how.
"""

import gc
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

import msgspec
import trio

from actors.db_writer import DbWriter
from actors.screens import Shop, screen
from actors.sender import Sender
from actors.settings import Telegram
from actors.words import Recipient
from domain import messages
from runtime import Actor, Context, Envelope
from tests.actors.post import Outbox
from tests.actors.systems import environment, running
from tests.fixtures.postgres import Database
from tests.storage.shop import CATALOGUE, NOW

ALIVE = (
    messages.Expired(title="1 month"),
    messages.AccessReady(uuid="00000000-0000-4000-8000-000000000001", token="t" * 24, expires_at=NOW),
    messages.Home(first_name="Eve"),
    messages.EndsSoon(title="1 month", expires_at=NOW),
    messages.Announcement(text="News"),
)
"""One of every way to be delivered; each goes to a person of its own."""


class Task(msgspec.Struct):
    """An outbox, the Bot API's address, and the time at the start, and the step at which to die: its name, and
    how often it is taken before.

    Without one it lives until everything has been sent.
    """

    name: str
    owner: str
    writer: str
    reader: str
    folder: str
    telegram: str
    start: datetime
    fatal: tuple[str, int] | None = None


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


SHOP = Shop("Test VPN", "@help", CATALOGUE, [], "http://127.0.0.1:1", crypto=True)


def say(word: str) -> None:
    os.write(1, f"{word}\n".encode())


async def work(task: Task) -> None:
    """Send everything, or die on the way."""
    taken: Counter[str] = Counter()

    def step(name: str) -> None:
        say(f"step {name}")
        if task.fatal == (name, taken[name]):
            os.kill(os.getpid(), signal.SIGKILL)
        taken[name] += 1

    StepwiseWriter.step = staticmethod(step)
    Sender.step = staticmethod(step)
    database = Database(task.name, task.owner, task.writer, task.reader)
    async with environment(database, Path(task.folder), telegram=Telegram(api=task.telegram)) as surroundings:
        actors: dict[str, Callable[[Context], Actor]] = {
            "db_writer": partial(StepwiseWriter, environment=surroundings),
            "sender": partial(Sender, environment=surroundings, shop=SHOP),
        }
        async with running(actors, ["vpn"], start=task.start):
            question = "SELECT NOT EXISTS (SELECT FROM outbox WHERE state IN ('pending', 'sending'))"
            await Outbox(database).until(question, seconds=30)


def main() -> None:
    """Fork for each task."""
    for message in ALIVE:
        screen(message, 1, SHOP, Recipient())
    gc.freeze()  # a round of the collector would copy all that the child shares with us
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
