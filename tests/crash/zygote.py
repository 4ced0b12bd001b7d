"""Processes that are made to be killed: forked, one for each task, from one that has imported everything already.

The module of such a process calls `serve` with what a task is and how it is done. It says each step as it takes it, so
whoever watches knows where it was when it died.
"""

import gc
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

import msgspec
import trio

from tests.e2e.sandbox import ROOT

T = TypeVar("T", bound=msgspec.Struct)

LIMIT_SECONDS = 60

Fatal = tuple[str, int]
"""A step at which to die: its name, and how often it is taken before."""


def nobody(_: object) -> None:
    """Where nobody has to know."""


class Zygote:
    """Starts processes, one after another; made by `open_zygote`."""

    def __init__(self, process: trio.Process) -> None:
        self._process = process
        self._said = self._lines()

    async def run(
        self,
        task: msgspec.Struct,
        started: Callable[[int], None] = nobody,
        took: Callable[[str], None] = nobody,
        *,
        seconds: float = LIMIT_SECONDS,
    ) -> tuple[list[str], int]:
        """Have a task done within so many seconds; gives its steps and how it ended.

        `started` is told the number of the process, and `took` each step at once.
        """
        assert self._process.stdin is not None
        await self._process.stdin.send_all(msgspec.json.encode(task) + b"\n")
        steps: list[str] = []
        with trio.fail_after(seconds):
            async for line in self._said:
                word, _, rest = line.partition(" ")
                if word == "number":
                    started(int(rest))
                elif word == "step":
                    steps.append(rest)
                    took(rest)
                elif word == "ended":
                    return steps, int(rest)
        raise AssertionError("the processes have ended")

    async def _lines(self) -> AsyncIterator[str]:
        assert self._process.stdout is not None
        rest = b""
        async for chunk in self._process.stdout:
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield line.decode()


@asynccontextmanager
async def open_zygote(module: str) -> AsyncIterator[Zygote]:
    """Start the process of a module; it ends with the block."""
    async with trio.open_nursery() as nursery:
        process = await nursery.start(
            partial(
                trio.run_process,
                [sys.executable, "-m", module],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        )
        yield Zygote(process)
        await process.stdin.aclose()


def steps_until(*fatal: Fatal | None) -> Callable[[str], None]:
    """What to call at each step: it says the step, and kills this process by SIGKILL at the first that is fatal."""
    taken: Counter[str] = Counter()

    def step(name: str) -> None:
        _say(f"step {name}")
        if (name, taken[name]) in fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        taken[name] += 1

    return step


def every(steps: Sequence[str]) -> list[Fatal]:
    """Each of these steps as a fatal one, in their order."""
    return [(name, steps[:place].count(name)) for place, name in enumerate(steps)]


def serve(
    kind: type[T], work: Callable[[T], Awaitable[None]], prepare: Callable[[], None] = lambda: None
) -> None:
    """Fork for each task that comes on standard input, and say how it ended; `prepare` is done once for all of them."""
    prepare()
    gc.freeze()  # a round of the collector would copy all that the child shares with us
    for line in sys.stdin:
        task = msgspec.json.decode(line, type=kind)
        child = os.fork()
        if child == 0:
            _say(f"number {os.getpid()}")
            trio.run(work, task)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        _say(f"ended {os.waitstatus_to_exitcode(status)}")


def _say(word: str) -> None:
    os.write(1, f"{word}\n".encode())
