"""A process that runs the real actors of access until there is nothing left to do, or kills itself at a step.

It is forked from a server that has imported everything, so that a run takes a fraction of a second.
"""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path

import trio

from actors.activation import Activation
from actors.fast_expiry import FastExpiry
from actors.trial_expiry import TrialExpiry
from actors.usage import Usage
from actors.xray_reconciler import XrayReconciler
from integrations.xray.node import Node
from runtime import AdjustableClock
from tests.actors.access import Factory, open_access, rows
from tests.fixtures.postgres import Database

WORKERS: dict[str, Factory] = {
    "fast_expiry": FastExpiry,
    "trial_expiry": TrialExpiry,
    "activation": Activation,
    "xray_reconciler": XrayReconciler,
    "usage": Usage,
}

#: Seconds for a run; one takes less than a second.
_PATIENCE = 40.0


@dataclass(frozen=True, slots=True)
class Run:
    """What runs: these workers besides the writer and the actor of the node, from `now` on, until `done` is true."""

    database: Database
    folder: Path
    node: Node
    worker: str
    now: datetime
    done: str

    async def to_its_end(self, step: Callable[[str], None]) -> None:
        """Run until nothing is left to do."""
        step("before anything is read")
        worker = {self.worker: WORKERS[self.worker]}
        clock = AdjustableClock(self.now)
        async with open_access(
            self.database, self.folder, self.node, workers=worker, clock=clock, step=step
        ) as here:
            with trio.fail_after(_PATIENCE):
                while not self._is_done(here.system.status().actors()):
                    await trio.sleep(0.005)

    def _is_done(self, actors: object) -> bool:
        [worker] = [each.worker for each in actors if each.name == self.worker]  # type: ignore[attr-defined]
        if worker is None or worker.last_run is None:
            return False
        return rows(self.database, f"SELECT {self.done}") == [(True,)]


def die_at(run: Run, fatal: tuple[str, int], told: Path) -> bool:
    """Run in a process of its own that is killed at the step of this name when it comes for the n-th time.

    The names of all its steps go to `told`. False if there was no such step.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=_run, args=(run, fatal, told))
    process.start()
    process.join(_PATIENCE + 20)
    assert process.exitcode in (0, -signal.SIGKILL), f"the victim ended with {process.exitcode}"
    return process.exitcode != 0


def _run(run: Run, fatal: tuple[str, int], told: Path) -> None:
    names: list[str] = []

    def step(name: str) -> None:
        names.append(name)
        if (name, names.count(name)) == fatal:
            told.write_text("\n".join(names))
            os.kill(os.getpid(), signal.SIGKILL)

    trio.run(run.to_its_end, step)
    told.write_text("\n".join(names))
