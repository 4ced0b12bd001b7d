"""SIGHUP on a running shop: what the configuration changed starts again with it, a mistake changes nothing."""

import json
import os
import signal
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.e2e.sandbox import PATIENCE_SECONDS, Sandbox, free_ports, running_sandbox


def logged(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "turnpike.log").read_text().splitlines()]


async def hang_up(sandbox: Sandbox, folder: Path, answer: str) -> dict[str, Any]:
    """Send SIGHUP and wait for the line of the log that answers it."""
    before = len(logged(folder))
    os.kill(sandbox.process.pid, signal.SIGHUP)
    with trio.fail_after(PATIENCE_SECONDS):
        while True:
            for entry in logged(folder)[before:]:
                if entry["event"] == answer:
                    return entry
            await trio.sleep(0.05)


@pytest.mark.requirement("O2")
async def test_a_changed_price_is_what_people_see_and_a_mistake_changes_nothing(
    reachable_folder: Path, tmp_path: Path
) -> None:
    config, folder = tmp_path / "shop.toml", reachable_folder / "reconfigured"
    text = files("turnpike").joinpath("sandbox.toml").read_text()
    config.write_text(text)
    async with running_sandbox(folder, free_ports(), "--config", str(config)) as sandbox:
        alice = sandbox.person(1001)
        await alice.say("/plans")
        await alice.press("1 month · 199 ₽")

        config.write_text(text.replace("199.00 RUB", "249.00 RUB"))
        taken = await hang_up(sandbox, folder, "configuration taken")
        assert set(taken["restarted"]) == {"db_writer", "sender", "fast_expiry"}
        await alice.say("/plans")
        await alice.press("1 month · 249 ₽")
        await alice.press("Stars")
        assert (await alice.pay_invoice())["paid"]
        await alice.read("Your key is on its way|You are connected")

        config.write_text(text.replace("199.00 RUB", "free"))
        refused = await hang_up(sandbox, folder, "configuration not taken")
        assert "plans.month.price" in refused["reason"]
        await alice.say("/plans")
        await alice.press("1 month · 249 ₽")

        config.write_text(text.replace('period = "2s"', 'period = "3s"').replace("199.00 RUB", "249.00 RUB"))
        taken = await hang_up(sandbox, folder, "configuration taken")
        assert taken["restarted"] == ["fast_expiry"]
