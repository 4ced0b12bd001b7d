"""Messages per second through the whole runtime, against the plain things that it is built on or could have been.

    python -m bench.runtime [--rounds 7]

The runtime's figures include all that a message carries: envelope, causal chain, deadline, accounting, hang watch.
Rounds are interleaved and the median is taken, in messages for each second of CPU time, so a busy machine disturbs
all alike; what counts is the ratio to the plain Trio memory channel of the same kind.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog
import trio

from bench.contenders import (
    Echo,
    Note,
    asyncio_calls,
    asyncio_casts,
    bare_switches,
    channel_calls,
    channel_calls_of_many,
    channel_calls_with_deadline,
    channel_casts,
    pykka_calls,
    pykka_casts,
)
from runtime import Actor, ActorSpec, GroupSpec, Message, System, SystemClock
from runtime.watchdog import watch_loop

CASTS = 100_000
CALLS = 10_000
IDLE_ACTORS = 10_000
CALLERS = (2, 4, 16)


class Server(Actor):
    """Counts notes and echoes calls."""

    seen = 0

    async def receive(self, message: Message) -> object:
        match message:
            case Note():
                self.seen += 1
                return None
            case Echo(value):
                return value
            case _:
                return await super().receive(message)


async def runtime_casts(count: int) -> None:
    async with trio.open_nursery() as nursery:
        system = server_system()
        await nursery.start(system.run)
        ref = system.ref("server")
        for value in range(count):
            note = Note(value)
            if not ref.cast(note):
                await ref.send(note)
        system.request_stop()


async def runtime_calls(count: int) -> None:
    async with trio.open_nursery() as nursery:
        system = server_system()
        await nursery.start(system.run)
        ref = system.ref("server")
        for value in range(count):
            assert await ref.call(Echo(value), timeout=10) == value
        system.request_stop()


async def watched_calls(count: int) -> None:
    async with watch_loop(longest_turn=60.0):
        await runtime_calls(count)


def server_system() -> System:
    return System(GroupSpec("root", "one_for_one", [ActorSpec("server", Server)]), clock=SystemClock())


async def runtime_calls_of_many(callers: int, count: int) -> None:
    async with trio.open_nursery() as nursery:
        system = server_system()
        await nursery.start(system.run)
        ref = system.ref("server")

        async def ask() -> None:
            for value in range(count // callers):
                assert await ref.call(Echo(value), timeout=10) == value

        async with trio.open_nursery() as group:
            for _ in range(callers):
                group.start_soon(ask)
        system.request_stop()


Case = tuple[str, Callable[[int], None], int]


def on_trio(name: str, run: Callable[[int], Awaitable[None]], count: int) -> Case:
    return name, lambda number: trio.run(run, number), count


def of_many(callers: int) -> list[Case]:
    return [
        on_trio("trio channels, no deadline", partial(channel_calls_of_many, callers), CALLS),
        on_trio("turnpike runtime, with deadline", partial(runtime_calls_of_many, callers), CALLS),
    ]


CASES: dict[str, list[Case]] = {
    "casts": [
        on_trio("trio channel(64), send / async for", channel_casts, CASTS),
        ("asyncio queue(64)", lambda count: asyncio.run(asyncio_casts(count)), CASTS),
        ("pykka tell", pykka_casts, CASTS),
        on_trio("turnpike runtime", runtime_casts, CASTS),
    ],
    "calls, one caller": [
        on_trio("trio channel pair, no deadline", channel_calls, CALLS),
        on_trio("trio channel pair, fail_after", channel_calls_with_deadline, CALLS),
        ("asyncio queue, future, timeout", lambda count: asyncio.run(asyncio_calls(count)), CALLS),
        ("pykka ask", pykka_calls, CALLS),
        on_trio("turnpike runtime, with deadline", runtime_calls, CALLS),
        on_trio("turnpike runtime, loop watched", watched_calls, CALLS),
        on_trio("two bare tasks that wake each other", bare_switches, CALLS),
    ],
    **{f"calls, {callers} callers at once": of_many(callers) for callers in CALLERS},
}


def measure(rounds: int) -> None:
    for kind, cases in CASES.items():
        rates: dict[str, list[float]] = {name: [] for name, _, _ in cases}
        for _ in range(rounds):
            for name, run, count in cases:
                begun = time.process_time()
                run(count)
                rates[name].append(count / (time.process_time() - begun))
        print(f"\n{kind}, each second of CPU:")
        base = statistics.median(rates[cases[0][0]])
        for name, values in rates.items():
            rate = statistics.median(values)
            print(f"  {name:<40} {rate:>12,.0f}  {rate / base:5.2f}x")


@dataclass(frozen=True)
class Crowd:
    """What a large tree of actors that do nothing costs; CPU time in seconds, memory in bytes for each actor."""

    start: float
    stop: float
    size: float


def _resident() -> int:
    """Bytes in memory now. The peak would not do: a process inherits the peak of whoever started it."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


async def idle_actors(count: int) -> Crowd:
    """Start so many and stop them again."""
    system = System(
        GroupSpec("root", "one_for_one", [ActorSpec(f"a{number}", Actor) for number in range(count)]),
        clock=SystemClock(),
        stop_timeout=600,
    )
    before = _resident()
    async with trio.open_nursery() as nursery:
        begun = time.process_time()
        await nursery.start(system.run)
        started = time.process_time()
        size = _resident() - before
        system.request_stop()
        await system.stopped.wait()
        stopped = time.process_time()
    return Crowd(started - begun, stopped - started, size / count)


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--rounds", type=int, default=7)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    rounds = arguments.parse_args().rounds
    crowd = trio.run(idle_actors, IDLE_ACTORS)
    print(
        f"{IDLE_ACTORS:,} idle actors: started in {crowd.start:.2f} s, {crowd.size / 1000:.1f} kB each, "
        f"stopped in {crowd.stop:.2f} s"
    )
    measure(rounds)


if __name__ == "__main__":
    main()
