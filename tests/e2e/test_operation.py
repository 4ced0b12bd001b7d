"""An operator reloads, suspends, restarts and reconfigures at three in the morning, while people keep buying."""

import os
import signal
import sys
from importlib.resources import files
from pathlib import Path

import pytest
import trio

from tests.e2e.sandbox import ROOT, Person, Sandbox, free_ports, running_sandbox

#: How much later than undisturbed a purchase may be.
LATE_SECONDS = 1.0


async def ctl(folder: Path, *words: str) -> str:
    """Run `turnpike ctl`; what it printed."""
    with trio.fail_after(30):
        ended = await trio.run_process(
            [sys.executable, "-m", "turnpike", "ctl", *words, "--data", str(folder)],
            cwd=ROOT,
            capture_stdout=True,
            capture_stderr=True,
            check=False,
        )
    assert ended.returncode == 0, ended.stderr.decode()
    return ended.stdout.decode()


async def buy(person: Person) -> float:
    """Buy a month by Stars; the seconds from asking for the plans until the bot says that it is paid."""
    started = trio.current_time()
    await person.say("/plans")
    await person.press("1 month")
    await person.press("Stars")
    await person.wait_for(
        lambda each: "x" if each.get("invoice") and each["revision"] > person.acted else None, "it"
    )
    assert (await person.pay_invoice())["paid"]
    await person.wait_for(
        lambda each: (
            each["text"] if each["revision"] > person.acted and "Paid" in each.get("text", "") else None
        ),
        "a receipt",
    )
    return trio.current_time() - started


async def keep_buying(person: Person, took: list[float], enough: trio.Event) -> None:
    while not enough.is_set():
        took.append(await buy(person))


async def operate(sandbox: Sandbox, folder: Path, config: Path) -> None:
    """Everything that an operator may do to a running shop."""
    for name in ("auto_renewal", "fast_expiry", "sender", "telegram", "db_writer", "vpn", "gateway"):
        assert "reloaded" in await ctl(folder, "reload", name)
    await ctl(folder, "suspend", "crypto_payment_watcher")
    assert "suspended" in await ctl(folder, "status")
    await ctl(folder, "resume", "crypto_payment_watcher")
    for name in ("sender", "telegram", "db_writer"):
        await ctl(folder, "restart", name)
    config.write_text(config.read_text().replace('period = "5s"', 'period = "7s"'))
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        os.kill(sandbox.process.pid, number)
    await ctl(folder, "status", "--json")


@pytest.mark.requirement("O2", "O3", "O4")
async def test_whatever_an_operator_does_no_purchase_fails_and_none_is_late(
    reachable_folder: Path, tmp_path: Path
) -> None:
    config, folder = tmp_path / "shop.toml", reachable_folder / "operated"
    config.write_text(files("turnpike").joinpath("sandbox.toml").read_text())
    async with running_sandbox(folder, free_ports(), "--config", str(config)) as sandbox:
        people = [sandbox.person(1001), sandbox.person(1002)]
        for person in people:
            rich = await sandbox.http.patch(f"/sandbox/people/{person.id}", json={"stars": 1_000_000})
            assert rich.is_success, rich.text
            await person.say("/start")
            await person.read("Hello")
        undisturbed = max([await buy(people[0]) for _ in range(3)])

        took: list[float] = []
        enough = trio.Event()
        async with trio.open_nursery() as nursery:
            for person in people:
                nursery.start_soon(keep_buying, person, took, enough)
            await operate(sandbox, folder, config)
            while len(took) < 4:  # a quick operator goes on until enough was bought meanwhile
                await operate(sandbox, folder, config)
            enough.set()
        assert max(took) <= undisturbed + LATE_SECONDS, (undisturbed, took)
        assert '"configuration taken"' in (folder / "turnpike.log").read_text()
