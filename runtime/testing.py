"""For the tests of actors: one actor alone, real in everything but its surroundings.

    async with alone(lambda context: Renewal(context), answers={"db_writer": answer}) as stage:
        await stage.ref.call(...)
        assert stage.mail["db_writer"] == [Renew(7)]

The actor runs under the real supervisor, with a real mailbox, clock and restarts; the actors it talks to are stand-
ins that write down what they get and answer what the test says. A crash can be planted at the actor's n-th
checkpoint, which finds the places where a half-done thing is left behind.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import trio

from .actor import Actor, Context
from .clock import AdjustableClock
from .messages import Message
from .ref import Ref
from .specs import ActorSpec, Factory, GroupSpec
from .status import ActorStatus
from .system import System

Answer = Callable[[Message], object]
"""What a stand-in answers; an exception that it raises is raised in the caller if it is `Unavailable`."""

START = datetime(2030, 1, 1, tzinfo=UTC)


class CrashAtCheckpoint(trio.abc.Instrument):
    """Cancels the life of one actor when its task has been scheduled for the n-th time."""

    def __init__(self, name: str, number: int, crash: Callable[[], None]) -> None:
        self._name = name
        self._left = number
        self._crash = crash

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        if task.name == self._name:
            self._left -= 1
            if self._left == 0:
                trio.lowlevel.remove_instrument(self)
                self._crash()


class StandIn(Actor):
    """Writes down its mail and answers as it was told."""

    def __init__(self, context: Context, mail: list[Message], answer: Answer) -> None:
        super().__init__(context)
        self._mail = mail
        self._answer = answer

    async def receive(self, message: Message) -> object:
        self._mail.append(message)
        return self._answer(message)


class Stage:
    """The actor under test and its surroundings."""

    def __init__(
        self, system: System, name: str, clock: AdjustableClock, mail: Mapping[str, list[Message]]
    ) -> None:
        self.system = system
        self.clock = clock
        """Moves with Trio's time, and by `clock.move`."""
        self.mail = mail
        """What each stand-in got, in order."""
        self._name = name

    @property
    def ref(self) -> Ref:
        """The actor's address."""
        return self.system.ref(self._name)

    @property
    def status(self) -> ActorStatus:
        """How the actor is."""
        return next(status for status in self.system.status().actors() if status.name == self._name)

    def crash_at(self, checkpoint: int) -> None:
        """Cancel the actor when it comes to its n-th checkpoint from now, as if it had crashed there."""
        kill = self.system.killer(self._name, RuntimeError(f"planted at checkpoint {checkpoint}"))
        trio.lowlevel.add_instrument(CrashAtCheckpoint(self._name, checkpoint, kill))


@asynccontextmanager
async def alone(
    factory: Factory,
    *,
    name: str = "actor",
    answers: Mapping[str, Answer | object] | None = None,
    settings: Mapping[str, object] | None = None,
    start: datetime = START,
) -> AsyncIterator[Stage]:
    """Run one actor among stand-ins, and drain it at the end of the block.

    `answers` names the stand-ins: each with the value that it answers to everything, or a function of the message.
    """
    mail: dict[str, list[Message]] = {other: [] for other in answers or {}}
    stand_ins = [_stand_in(other, mail[other], answer) for other, answer in (answers or {}).items()]
    clock = AdjustableClock(start)
    spec = ActorSpec(name, factory, settings=settings or {})
    system = System(GroupSpec("stage", "one_for_one", [*stand_ins, spec]), clock=clock, seed=0)
    async with trio.open_nursery() as nursery:
        await nursery.start(system.run)
        yield Stage(system, name, clock, mail)
        system.request_stop()


def _stand_in(name: str, mail: list[Message], answer: Answer | object) -> ActorSpec:
    def answers(message: Message) -> object:
        return answer(message) if callable(answer) else answer

    return ActorSpec(name, lambda context: StandIn(context, mail, answers))
