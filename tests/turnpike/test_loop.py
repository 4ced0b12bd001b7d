"""Nothing blocks the event loop of a shop that runs: judged by what Python itself tells of each call."""

import ipaddress
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.loop import load, metrics, report
from tests.e2e.sandbox import ROOT, free_ports, running_sandbox
from tests.turnpike.auditing import RECORD, Call, recorded
from tests.turnpike.test_ctl import ctl_json

PEOPLE = 6
ROUNDS = 2

PLANTED = """
import os, subprocess, sys, trio
from contextlib import suppress
from tests.turnpike.auditing import watch

async def main():
    subprocess.run([sys.executable, "-c", ""])
    look_into("task")
    await trio.to_thread.run_sync(look_into, "thread")
    await trio.open_tcp_listeners(0, host="127.0.0.1")

def look_into(name):
    with suppress(FileNotFoundError):
        open(name)

watch(os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT, 0o600))
look_into("nowhere")
trio.run(main)
"""


def is_harmless(call: Call) -> bool:
    """A look at an address that needs no look-up, or what the interpreter itself loads once."""
    if call.event == "socket.getaddrinfo":
        return is_address(call.arguments[0])
    if call.event == "open":
        path = Path(call.arguments[0])
        return path == Path("/etc/mime.types") or any(
            path.is_relative_to(home) for home in (sys.prefix, sys.base_prefix)
        )
    return False


def is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@pytest.mark.requirement("E1")
async def test_nothing_that_may_wait_is_called_on_the_loop_while_people_buy(
    reachable_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, record, port = reachable_folder / "audited", reachable_folder / "audit", free_ports()
    monkeypatch.setenv(RECORD, str(record))
    async with running_sandbox(folder, port, module="tests.turnpike.auditing") as sandbox:
        started, begun_at = await metrics(sandbox), time.monotonic()
        purchases = await load(sandbox, PEOPLE, ROUNDS)
        for order in (("restart", "sender"), ("suspend", "fast_expiry"), ("resume", "fast_expiry")):
            await ctl_json(folder, *order)
        ended, ended_at = await metrics(sandbox), time.monotonic()
    assert len(purchases) == PEOPLE * ROUNDS
    calls = [call for call in recorded(record) if begun_at <= call.at < ended_at]
    assert [call for call in calls if not is_harmless(call)] == []

    # And how long anything held it is measured and shown.
    report(started, ended, noise=0.0, purchases=purchases, seconds=ended_at - begun_at)
    longest = ended["turnpike_loop_longest_turn_seconds"]
    assert 0 < started["turnpike_loop_longest_turn_seconds"] <= longest < 5
    assert f"longest turn and under load: {longest * 1000:6.1f} ms" in capsys.readouterr().out


def test_what_may_wait_is_found_in_a_task_and_nowhere_else(tmp_path: Path) -> None:
    record = tmp_path / "audit"
    subprocess.run([sys.executable, "-c", PLANTED, str(record)], cwd=ROOT, check=True, timeout=60)
    found = [call for call in recorded(record) if not is_harmless(call)]
    assert {call.event for call in found} >= {"open", "subprocess.Popen"}
    assert "socket.getaddrinfo" not in {call.event for call in found}
    opened = {call.arguments[0] for call in found if call.event == "open"}
    assert opened & {"task", "thread", "nowhere"} == {"task"}
