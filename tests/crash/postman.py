"""Processes that send what an outbox holds and what is broadcast, and are killed, by SIGKILL, at a step."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

import msgspec

from actors.broadcast import Broadcast
from actors.db_writer import DbWriter
from actors.messages import Write
from actors.screens import Shop, screen
from actors.sender import Sender
from actors.settings import Telegram
from actors.words import Recipient
from domain import messages
from runtime import Actor, Context, Envelope
from tests.actors.post import Outbox
from tests.actors.systems import environment, running
from tests.crash.zygote import Fatal, serve, steps_until
from tests.fixtures.postgres import Database
from tests.storage.shop import CATALOGUE, NOW

ALIVE = (
    messages.Expired(title="1 month"),
    messages.AccessReady(uuid="00000000-0000-4000-8000-000000000001", token="t" * 24, expires_at=NOW),
    messages.Home(first_name="Eve"),
    messages.EndsSoon(title="1 month", expires_at=NOW),
    messages.Announcement(html="News"),
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
    fatal: Fatal | None = None


class StepwiseWriter(DbWriter):
    """The writer, one command at a time, so that its steps have the command's name and come in the same order."""

    step: Callable[[str], None]

    async def receive_batch(self, envelopes: Sequence[Envelope]) -> None:
        for envelope in envelopes:
            if isinstance(envelope.message, Write):
                assert self._writer is not None, "connected at the start"
                self._writer.step = partial(self._tell, type(envelope.message.command).__name__)
            await super().receive_batch([envelope])

    def _tell(self, command: str, name: str) -> None:
        type(self).step(f"{command}: {name}")


_ALL_IS_SAID = """
    SELECT NOT EXISTS (SELECT FROM outbox WHERE state IN ('pending', 'sending'))
        AND NOT EXISTS (SELECT FROM broadcasts WHERE ended_at IS NULL)
"""

SHOP = Shop("Test VPN", "@help", CATALOGUE, [], "http://127.0.0.1:1", crypto=True)


async def work(task: Task) -> None:
    """Send everything, or die on the way."""
    step = steps_until(task.fatal)
    StepwiseWriter.step = staticmethod(step)
    Sender.step = staticmethod(step)
    database = Database(task.name, task.owner, task.writer, task.reader)
    async with environment(database, Path(task.folder), telegram=Telegram(api=task.telegram)) as surroundings:
        actors: dict[str, Callable[[Context], Actor]] = {
            "db_writer": partial(StepwiseWriter, environment=surroundings),
            "sender": partial(Sender, environment=surroundings, shop=SHOP),
            "broadcast": partial(Broadcast, environment=surroundings),
        }
        async with running(actors, ["vpn"], start=task.start):
            await Outbox(database).until(_ALL_IS_SAID, seconds=30)


def draw() -> None:
    """Have every text been drawn once, so that no child has to read the languages."""
    for message in ALIVE:
        screen(message, 1, SHOP, Recipient())


if __name__ == "__main__":
    serve(Task, work, prepare=draw)
