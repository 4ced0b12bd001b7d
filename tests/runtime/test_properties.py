"""Whatever happens to whatever tree: never an orphan task, a lost message, two lives at once, or an endless shutdown.

Trees and what befalls them are drawn at random and run on a clock that jumps, so a scenario of minutes takes
milliseconds; a failing one is shrunk and printed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field

import structlog
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from runtime import (
    Actor,
    ActorSpec,
    AdjustableClock,
    Cast,
    Context,
    GroupSpec,
    Intensity,
    Message,
    System,
    TreeFailed,
)
from runtime.specs import Restart, Strategy

from .kit import EPOCH

STOP_TIMEOUT = 200.0
ACTOR_STOP_TIMEOUT = 3.0
CLOSE_MARGIN = 6.0


@dataclass(frozen=True, slots=True)
class Work(Cast):
    serial: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Die(Cast):
    serial: int
    in_background: bool


@dataclass(frozen=True, slots=True)
class Adopt(Cast):
    serial: int
    child: str


@dataclass(slots=True)
class Ledger:
    """What the actors themselves saw."""

    alive: Counter[str] = field(default_factory=Counter)
    tasks: int = 0
    begun: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    done: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    two_at_once: list[str] = field(default_factory=list)
    outlived_parent: list[str] = field(default_factory=list)
    failing_starts: Counter[str] = field(default_factory=Counter)


class Probe(Actor):
    """Does what it is told, and keeps the ledger."""

    def __init__(self, context: Context, ledger: Ledger) -> None:
        super().__init__(context)
        self.ledger = ledger

    async def started(self) -> None:
        name, ledger = self.context.name, self.ledger
        if ledger.alive[name]:
            ledger.two_at_once.append(name)
        for other, lives in ledger.alive.items():
            if other.startswith(f"{name}/") and lives:
                ledger.outlived_parent.append(other)
        ledger.alive[name] += 1
        self.context.stack.callback(self.end)
        self.context.nursery.start_soon(self.linger)
        await trio.sleep(0.01)
        if ledger.failing_starts[name] > 0:
            ledger.failing_starts[name] -= 1
            raise OSError("cannot start")

    def end(self) -> None:
        self.ledger.alive[self.context.name] -= 1

    async def linger(self) -> None:
        self.ledger.tasks += 1
        try:
            await trio.sleep_forever()
        finally:
            self.ledger.tasks -= 1

    async def receive(self, message: Message) -> object:
        assert isinstance(message, Work | Die | Adopt)
        name = self.context.name
        self.ledger.begun[name].append(message.serial)
        match message:
            case Work(_, seconds):
                await trio.sleep(seconds)
            case Die(_, in_background):
                if not in_background:
                    raise RuntimeError("told to die")
                self.context.nursery.start_soon(self.die)
            case Adopt(_, child):
                self.context.nursery.start_soon(self.adopt, child)
        self.ledger.done[name].append(message.serial)
        return None

    async def die(self) -> None:
        await trio.sleep(0.05)
        raise RuntimeError("told to die later")

    async def adopt(self, child: str) -> None:
        try:
            await self.context.start_child(probe(child, self.ledger))
        except (ValueError, Exception):  # already there, or does not start: its own business
            await trio.lowlevel.checkpoint()


def probe(name: str, ledger: Ledger, restart: Restart = "permanent") -> ActorSpec:
    return ActorSpec(
        name, lambda context: Probe(context, ledger), restart, 8, stop_timeout=ACTOR_STOP_TIMEOUT
    )


Shape = tuple[Strategy, list["Shape | Restart"]]
strategies = st.sampled_from(["one_for_one", "rest_for_one", "one_for_all"])
restarts = st.sampled_from(["permanent", "permanent", "permanent", "transient", "temporary"])
shapes = st.recursive(
    st.tuples(strategies, st.lists(restarts, min_size=1, max_size=3)),
    lambda inner: st.tuples(strategies, st.lists(inner | restarts, min_size=1, max_size=3)),
    max_leaves=4,
)

WHAT_MAY_HAPPEN = (
    *("adopt", "adopt", "adopt", "work", "work", "die", "die", "die_later"),
    *("restart", "suspend", "resume", "fail_start", "toil"),
)
"""Some more often than others: what is hard to get right is births and deaths that cross each other."""

Event = tuple[str, int, float]
events = st.lists(
    st.tuples(
        st.sampled_from(WHAT_MAY_HAPPEN),
        st.integers(0, 11),
        st.sampled_from([0.0, 0.0, 0.005, 0.02, 0.3, 2.0]),
    ),
    max_size=40,
)


def plant(shape: Shape, ledger: Ledger, names: list[str], intensity: Intensity) -> GroupSpec:
    strategy, inner = shape
    children: list[ActorSpec | GroupSpec] = []
    for child in inner:
        if isinstance(child, str):
            names.append(f"a{len(names)}")
            children.append(probe(names[-1], ledger, child))
        else:
            children.append(plant(child, ledger, names, intensity))
    return GroupSpec(f"g{len(names)}", strategy, children, intensity)


class Scenario:
    """One tree and what befalls it."""

    def __init__(self, shape: Shape, befalls: list[Event], intensity: Intensity, pause: float) -> None:
        self.pause = pause
        self.ledger = Ledger()
        self.names: list[str] = []
        self.befalls = befalls
        root = plant(shape, self.ledger, self.names, intensity)
        self.restarts = {actor.name: actor.restart for actor in root.actors()}
        self.accepted: dict[str, list[int]] = defaultdict(list)
        self.system = System(root, clock=AdjustableClock(EPOCH), stop_timeout=STOP_TIMEOUT, seed=7)

    async def run(self) -> None:
        tasks_before = len(trio.lowlevel.current_task().child_nurseries)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.keep_running)
            await trio.sleep(1)
            for serial, event in enumerate(self.befalls):
                if not self.system.stopping:
                    await self.befall(serial, *event)
            await self.recover()
            asked_at = trio.current_time()
            self.system.request_stop()
            await self.system.stopped.wait()
            took = trio.current_time() - asked_at
            bound = ACTOR_STOP_TIMEOUT * len(list(self.system.status().actors())) + CLOSE_MARGIN
            assert took <= bound, f"the shutdown took {took} s"
        assert len(trio.lowlevel.current_task().child_nurseries) == tasks_before
        self.check()

    async def keep_running(self) -> None:
        with suppress(TreeFailed):  # a failure that climbs to the top is a possible end of a scenario
            await self.system.run()

    async def recover(self) -> None:
        """After the last fault everything that should live does: a permanent actor is never forgotten."""
        for status in self.system.status().actors():
            self.system.resume(status.name)
        await trio.sleep(self.pause)
        if self.system.stopping or self.pause == 0:
            return
        # What still waits may crash or hang once more; but in the end all is well.
        for _ in range(100):
            if not (unwell := self.unwell()):
                return
            await trio.sleep(self.pause)
        raise AssertionError(f"not back: {', '.join(unwell)}")

    def unwell(self) -> list[str]:
        return [
            f"{status.name} is {status.state}"
            for status in self.system.status().actors()
            if self.restarts.get(status.name, "permanent") == "permanent"
            and status.state != "running"
            and not self.system.stopping
        ]

    async def befall(self, serial: int, what: str, who: int, seconds: float) -> None:
        known = [status.name for status in self.system.status().actors()]
        name = known[who % len(known)]
        match what:
            case "work":
                self.cast(name, Work(serial, seconds))
            case "toil":
                self.cast(name, Work(serial, 100.0))
            case "die":
                self.cast(name, Die(serial, in_background=False))
            case "die_later":
                self.cast(name, Die(serial, in_background=True))
            case "adopt" if name.count("/") < 2:
                self.cast(name, Adopt(serial, f"c{serial % 2}"))
            case "restart":
                self.system.request_restart(name)
            case "suspend":
                self.system.suspend(name)
            case "resume":
                self.system.resume(name)
            case "fail_start":
                self.ledger.failing_starts[name] += 1 + who % 3
            case _:
                pass
        await trio.sleep(seconds)

    def cast(self, name: str, message: Work | Die | Adopt) -> None:
        if self.system.ref(name).cast(message):
            self.accepted[name].append(message.serial)

    def check(self) -> None:
        ledger = self.ledger
        assert ledger.two_at_once == [], "two incarnations at once"
        assert ledger.outlived_parent == [], "a child outlived its parent"
        assert ledger.tasks == 0, "a task outlived its actor"
        assert not +ledger.alive, "resources outlived their actor"
        for status in self.system.status().actors():
            name = status.name
            accounted = status.handled + status.crashed + status.skipped + status.undelivered + status.queued
            assert status.accepted == accounted, f"{name} lost track of messages"
            assert status.queued == 0
            accepted, begun = self.accepted[name], ledger.begun[name]
            assert is_subsequence(begun, accepted), f"{name} handled {begun} of {accepted}"
            if name in self.names:
                assert len(accepted) - len(begun) == status.undelivered
            if self.restarts.get(name) == "permanent":
                assert begun == accepted[: len(begun)], f"{name} handled {begun} of {accepted}"


def is_subsequence(part: list[int], whole: list[int]) -> bool:
    """Nothing out of order, nothing twice, nothing made up."""
    remaining = iter(whole)
    return all(serial in remaining for serial in part)


# On a busy machine even drawing takes long.
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    shape=shapes,
    befalls=events,
    intensity=st.sampled_from([Intensity(1000, 1.0), Intensity(3, 5.0)]),
    pause=st.sampled_from([0.0, 300.0]),
)
def test_whatever_happens_the_invariants_hold(
    shape: Shape, befalls: list[Event], intensity: Intensity, pause: float
) -> None:
    with structlog.testing.capture_logs():
        scenario = Scenario(shape, befalls, intensity, pause)
        trio.run(scenario.run, clock=MockClock(autojump_threshold=0))
