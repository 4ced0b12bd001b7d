"""The longest that anything holds the event loop while people buy in the sandbox (requirements E1 and E2).

    python -m bench.loop [--people 40] [--rounds 3]

The sandbox runs in a process of its own; Telegram's and Crypto Pay's stand-ins share its loop, so this is the worst
case. Beside it a control does next to nothing on a loop of its own: what it sees is the machine, which may run somebody
else in the middle of a turn.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import structlog
import trio

from runtime.watchdog import LONGEST_TURN, watch_loop
from tests.e2e.sandbox import Person, Sandbox, free_ports, running_sandbox

FIRST_PERSON = 20_001


async def buy(person: Person, purchases: list[float]) -> None:
    begun = time.perf_counter()
    await person.say("/plans")
    await person.press("1 month")
    await person.press("Telegram Stars")
    assert (await person.pay_invoice())["paid"]
    await person.read("Paid: 1 month")
    purchases.append(time.perf_counter() - begun)


async def load(sandbox: Sandbox, people: int, rounds: int) -> list[float]:
    """That many new people buy at once, in each round; how long each purchase took, in seconds."""
    purchases: list[float] = []
    for number in range(rounds):
        first = FIRST_PERSON + number * people
        async with trio.open_nursery() as nursery:
            for each in range(first, first + people):
                body = {"id": each, "first_name": f"Person {each}"}
                assert (await sandbox.http.post("/sandbox/people", json=body)).is_success
                nursery.start_soon(buy, sandbox.person(each), purchases)
    return purchases


async def metrics(sandbox: Sandbox) -> dict[str, float]:
    async with httpx.AsyncClient(trust_env=False) as http:
        text = (await http.get(f"http://127.0.0.1:{sandbox.port + 4}/metrics")).text
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def breaches(log: Path) -> Iterator[tuple[str, int, str]]:
    """Who held the loop, for how many milliseconds, and in which line."""
    for line in log.read_text().splitlines():
        entry = json.loads(line)
        if entry["event"] == "loop was held":
            frames = [each.strip() for each in entry["stack"].splitlines() if each.strip().startswith("File")]
            yield (
                entry["actor"] or entry["task"],
                entry["milliseconds"],
                frames[-1] if frames else entry["stack"],
            )


@contextmanager
def control() -> Iterator[list[float]]:
    """A loop that does next to nothing; afterwards the list holds its longest turn in milliseconds."""
    longest: list[float] = []
    command = [sys.executable, "-m", "bench.loop", "control"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield longest
        longest.append(float(process.communicate("stop\n")[0]))


def spin(seconds: float) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


async def run_control() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    async with watch_loop() as turns, trio.open_nursery() as nursery:

        async def stop() -> None:
            await trio.to_thread.run_sync(sys.stdin.readline)
            nursery.cancel_scope.cancel()

        async def work() -> None:
            while True:
                spin(0.002)
                await trio.sleep(0.008)

        nursery.start_soon(stop)
        nursery.start_soon(work)
    print(turns.longest * 1000)


async def main(people: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.chmod(folder, 0o711)  # the database's user must pass through
        async with running_sandbox(folder / "sandbox", free_ports()) as sandbox:
            started = await metrics(sandbox)
            with control() as noise:
                begun = time.perf_counter()
                purchases = await load(sandbox, people, rounds)
                seconds = time.perf_counter() - begun
            ended = await metrics(sandbox)
        report(started, ended, noise[0], purchases, seconds)
        for (who, where), count in Counter(
            (who, where) for who, _, where in breaches(folder / "sandbox" / "turnpike.log")
        ).most_common():
            print(f"    {count} x {who}: {where}")


def report(
    started: dict[str, float], ended: dict[str, float], noise: float, purchases: list[float], seconds: float
) -> None:
    limit = LONGEST_TURN * 1000
    purchases.sort()
    print(
        f"{len(purchases)} purchases in {seconds:.1f} s, {len(purchases) / seconds:.1f} each second; "
        f"half of them within {purchases[len(purchases) // 2]:.1f} s, all within {purchases[-1]:.1f} s"
    )
    for title, values in (("while starting", started), ("and under load", ended)):
        longest = values["turnpike_loop_longest_turn_seconds"] * 1000
        held = values["turnpike_loop_held_total"]
        print(
            f"longest turn {title}: {longest:6.1f} ms, {longest / limit:.2f} of the limit; "
            f"{held:.0f} beyond it so far"
        )
    print(f"longest turn of a loop that does nothing, beside it: {noise:.1f} ms")


if __name__ == "__main__":
    if sys.argv[1:] == ["control"]:
        trio.run(run_control)
    else:
        parser = argparse.ArgumentParser(
            description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        parser.add_argument("--people", type=int, default=40)
        parser.add_argument("--rounds", type=int, default=3)
        arguments = parser.parse_args()
        trio.run(main, arguments.people, arguments.rounds)
