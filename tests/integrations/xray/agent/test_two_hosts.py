"""A panel on one host and a node's agent on another, each a process of its own in a network of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
import trio

from tests.fixtures.agents import authority_in
from tests.fixtures.hosts import NODE_ADDRESS, PANEL_ADDRESS, Host, two_hosts, why_no_hosts

ROOT = Path(__file__).parents[4]
PORT = 8443
WHY_NOT = why_no_hosts()


@contextmanager
def agent_on(host: Host, enrolment: str, folder: Path) -> Iterator[None]:
    """`turnpike node` there, ready."""
    command = host.command(
        *(sys.executable, "-P", "-m", "turnpike", "node"),
        *("--listen", NODE_ADDRESS, "--port", str(PORT), "--data", str(folder)),
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        try:
            process.stdin.write(enrolment + "\n")
            process.stdin.close()
            said = process.stderr.readline()
            assert f"listens on {NODE_ADDRESS} port {PORT}" in said, said
            yield
        finally:
            process.terminate()
            assert process.wait(20) == 0


def run_panel(host: Host, folder: Path) -> dict[str, object]:
    """What came of each step of the panel's."""
    command = host.command(
        sys.executable, "-P", "-m", "tests.integrations.xray.agent.panel", str(folder), str(PORT)
    )
    run = subprocess.run(
        command,
        capture_output=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        text=True,
        check=False,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return dict(json.loads(line) for line in run.stdout.splitlines())


@pytest.mark.skipif(WHY_NOT is not None, reason=WHY_NOT or "")
@pytest.mark.requirement("U8")
async def test_a_panel_drives_a_node_on_another_host_and_nobody_else_does(tmp_path: Path) -> None:
    _, (enrolment,) = authority_in(tmp_path, "far")
    with two_hosts() as (panel, node), agent_on(node, enrolment, tmp_path / "machine"):
        came_of_it = await trio.to_thread.run_sync(partial(run_panel, panel, tmp_path))
    assert came_of_it == {
        "no certificate": False,
        "another shop's": False,
        "ours": True,
        "another shop's panel": came_of_it["another shop's panel"],
        "online": {"ann": [PANEL_ADDRESS], "bob": [PANEL_ADDRESS]},
        "a customer is heard by the agent": False,
        "dropped": True,
        "refused": True,
        "users": ["bob"],
        "running": True,
    }
    assert "do not know each other's certificates" in str(came_of_it["another shop's panel"])
