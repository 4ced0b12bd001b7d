"""The whole shop, as `turnpike sandbox` runs it, in a process that is killed by SIGKILL at a step that a test names.

Telegram and Crypto Pay are not in it: as in life, they are there before it starts and after it died.
"""

import os
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from actors.admin_chat import Admins
from actors.sender import Sender
from domain.commands import Command
from runtime import SystemClock
from storage.writer import Outcome, Writer
from tests.crash.zygote import serve, steps_until
from turnpike.logs import set_up_logs
from turnpike.run import Wanted, interruptible, serve_shop
from turnpike.sandbox import sandbox_shop

VARIABLE = "TURNPIKE_TEST_DATABASE"
"""The variable of the environment that holds the address of the database."""


class Task(msgspec.Struct):
    """The first of the sandbox's five ports, the data folder, the database, and the steps at which to die."""

    port: int
    folder: str
    database: str
    fatal: list[str]


async def work(task: Task) -> None:
    """Run the shop until it is told to stop, or dies."""
    step = steps_until(*((name, 0) for name in task.fatal))
    name_steps_after_commands(step)
    Sender.step = staticmethod(step)
    os.environ[VARIABLE] = task.database
    read = partial(shop, task.port)
    folder = Path(task.folder)
    set_up_logs(folder / "turnpike.log")
    async with interruptible():
        await serve_shop(
            read(), read, folder, clock=SystemClock(), report=lambda _: None, sandbox=True, step=step
        )


def shop(port: int) -> Wanted:
    """The sandbox's shop, on the database whose address the environment holds.

    Without administrators: what they are told is folded by time, and two lives take different times.
    """
    wanted, replace = sandbox_shop(None, port), msgspec.structs.replace
    settings = wanted.configuration.settings
    settings = replace(settings, admins=Admins(), database=replace(settings.database, url_env=VARIABLE))
    changed = wanted.configuration
    return Wanted(type(changed)(changed.name, settings, changed.catalogue, changed.tree), wanted.secrets)


def name_steps_after_commands(step: Callable[[str], None]) -> None:
    """Have each step of the writer called after the commands in hand: a commit of what, is what matters."""
    execute = Writer.execute

    async def named(
        self: Writer,
        commands: Sequence[Command[Any]],
        now: datetime,
        traces: Sequence[str | None] | None = None,
    ) -> list[Outcome]:
        kinds = sorted({type(command).__name__ for command in commands})

        def tell(name: str) -> None:
            for kind in kinds:
                step(f"{kind}: {name}")

        self.step = tell
        return await execute(self, commands, now, traces)

    Writer.execute = named  # type: ignore[method-assign]


if __name__ == "__main__":
    serve(Task, work)
