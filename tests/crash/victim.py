"""A process that carries out one command of the writer and kills itself, by SIGKILL, at a step that the test names.

    python -m tests.crash.victim CONNINFO STEP COMMAND

STEP counts the steps that the unit of work reports, from 0; COMMAND is the pickled command in hexadecimal.
"""

import os
import pickle
import signal
import sys

import trio

from domain.commands import Command
from tests.storage.shop import NOW, open_desk


async def main(conninfo: str, fatal: int, command: Command[object]) -> None:
    """Open the writer, then die at the fatal step (or live, if there are fewer)."""
    steps = iter(range(1_000_000))

    def step(_: str) -> None:
        if next(steps) == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    async with open_desk(conninfo) as desk:
        desk.writer.step = step
        await desk.writer.execute([command], NOW)


if __name__ == "__main__":
    trio.run(main, sys.argv[1], int(sys.argv[2]), pickle.loads(bytes.fromhex(sys.argv[3])))
