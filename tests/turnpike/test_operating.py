"""Operating a shop that runs: orders and signals while people keep buying, who notice nothing of it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.e2e.sandbox import PATIENCE_SECONDS, ROOT, Person, Sandbox, free_ports, running_sandbox
from tests.turnpike.test_ctl import ctl, ctl_json
from tests.turnpike.test_reconfigure import logged

#: In order of start, as the sandbox's own configuration has them.
ACTORS = [
    "xray",
    "db_writer",
    "vpn",
    "sender",
    "telegram",
    "gateway",
    "desk",
    "auto_renewal",
    "fast_expiry",
    "trial_expiry",
    "activation",
    "xray_reconciler",
    "crypto_payment_watcher",
    "invoice_lapse",
]


class Buyers:
    """A few people who buy again and again; a purchase that fails fails the test."""

    def __init__(self) -> None:
        self._bought = 0
        self._open = trio.CancelScope()

    async def keep_buying(self, people: list[Person]) -> None:
        """Until they are sent home."""
        with self._open:
            async with trio.open_nursery() as nursery:
                for person in people:
                    nursery.start_soon(self._keep_buying, person)

    def send_home(self) -> None:
        self._open.cancel()

    async def _keep_buying(self, person: Person) -> None:

        def new_invoice(message: dict[str, Any]) -> str | None:
            return "yes" if message.get("invoice") and message["revision"] > person.acted else None

        purchases = 0
        while True:
            await person.say("/plans")
            await person.press("1 month")
            await person.press("Telegram Stars")
            await person.wait_for(new_invoice, "a new invoice")
            assert (await person.pay_invoice())["paid"]
            purchases += 1
            with trio.fail_after(PATIENCE_SECONDS):
                while person.count("Paid: 1 month") < purchases:
                    await person.look(wait=5)
            self._bought += 1

    async def buy(self, more: int) -> None:
        """Wait until so many more purchases are done."""
        goal = self._bought + more
        with trio.fail_after(PATIENCE_SECONDS):
            while self._bought < goal:
                await trio.sleep(0.01)


@asynccontextmanager
async def busy_sandbox(folder: Path) -> AsyncIterator[tuple[Sandbox, Buyers]]:
    """A sandbox in which rich people buy all the time."""
    buyers = Buyers()
    async with running_sandbox(folder, free_ports()) as sandbox, trio.open_nursery() as nursery:
        people = []
        for name in ("Croesus", "Midas", "Solomon", "Mansa Musa"):
            made = await sandbox.http.post("/sandbox/people", json={"first_name": name, "stars": 100_000})
            assert made.is_success, made.text
            people.append(sandbox.person(made.json()["id"]))
        nursery.start_soon(buyers.keep_buying, people)
        await buyers.buy(1)
        yield sandbox, buyers
        buyers.send_home()


async def first_lines(count: int, folder: Path, *words: str) -> list[dict[str, Any]]:
    """The first lines of a stream of `ctl … --json`."""
    command = [sys.executable, "-m", "turnpike", "ctl", *words, "--json", "--data", str(folder)]
    process = await trio.lowlevel.open_process(command, cwd=ROOT, stdout=subprocess.PIPE)
    said = b""
    assert process.stdout is not None
    try:
        with trio.fail_after(PATIENCE_SECONDS):
            while said.count(b"\n") < count:
                said += await process.stdout.receive_some()
    finally:
        process.terminate()
        await process.wait()
        await process.stdout.aclose()
    return [json.loads(line) for line in said.splitlines()[:count]]


def actors(status: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The actors below a group or actor of `ctl status --json`, by name."""
    found = {status["name"]: status} if status["kind"] == "actor" else {}
    for child in status["children"]:
        found |= actors(child)
    return found


def crashes(folder: Path) -> list[dict[str, Any]]:
    return [entry for entry in logged(folder) if entry["event"] == "actor crashed"]


@pytest.mark.requirement("O3")
async def test_orders_are_carried_out_while_people_buy(reachable_folder: Path) -> None:
    folder = reachable_folder / "ordered"
    async with busy_sandbox(folder) as (_, buyers):
        assert (await ctl_json(folder, "suspend", "crypto_payment_watcher"))["suspended"]
        assert (await ctl_json(folder, "restart", "sender"))["incarnations"] == 2
        assert (await ctl_json(folder, "reload", "fast_expiry"))["incarnations"] == 2
        await buyers.buy(1)
        assert (await ctl_json(folder, "reload", "sender"))["incarnations"] == 3

        seen = actors((await ctl_json(folder, "status"))["root"])
        assert seen.keys() >= set(ACTORS)
        assert seen["crypto_payment_watcher"]["state"] == "suspended"
        assert not any(actor["restarts"] for actor in seen.values())
        assert not (await ctl_json(folder, "resume", "crypto_payment_watcher"))["suspended"]
        assert (await ctl(folder, "status")).stdout.count("  running  ") >= len(ACTORS)

        passed = [each["message"] for each in await first_lines(6, folder, "trace", "db_writer")]
        assert set(passed) <= {"Write", "Beat"}, "what people buy, and the heartbeat of each second"
        assert passed.count("Write") >= 3
        [snapshot] = await first_lines(1, folder, "top")
        assert snapshot["root"]["name"] == "tree"
        await buyers.buy(4)
    assert not crashes(folder)


@pytest.mark.requirement("O2")
async def test_signals_are_obeyed_while_people_buy(reachable_folder: Path) -> None:
    folder = reachable_folder / "signalled"
    async with busy_sandbox(folder) as (sandbox, buyers):
        os.kill(sandbox.process.pid, signal.SIGUSR1)
        tree = (await entry(folder, "status"))["tree"]
        for name in ACTORS:
            assert f"    {name}: " in tree
        assert " queued" in tree
        assert "await mailbox.wait()" in tree

        os.kill(sandbox.process.pid, signal.SIGUSR2)
        await entry(folder, "reloaded", actor="crypto_payment_watcher")
        restarted = [each["actor"] for each in logged(folder) if each["event"] == "reloaded"]
        workers = [each for each in restarted if each in ACTORS]
        assert workers == [name for name in ACTORS if name in workers]
        assert {"fast_expiry", "crypto_payment_watcher"} <= set(workers)
        await buyers.buy(4)
        assert not crashes(folder)

        buyers.send_home()
        before = len(logged(folder))
        assert await sandbox.stop(signal.SIGTERM) == 0
        stopped = [each["actor"] for each in logged(folder)[before:] if each["event"] == "actor stopped"]
        assert [name for name in stopped if name in ACTORS] == ACTORS[::-1]


async def entry(folder: Path, event: str, actor: str | None = None) -> dict[str, Any]:
    """Wait for a line of the log."""
    with trio.fail_after(PATIENCE_SECONDS):
        while True:
            for each in logged(folder):
                if each["event"] == event and actor in (None, each.get("actor")):
                    return each
            await trio.sleep(0.05)
