"""The product itself says who holds its event loop."""

import json
from pathlib import Path

import httpx
import pytest

from tests.e2e.sandbox import free_ports, running_sandbox
from tests.turnpike.holding import HELD_SECONDS, compute_too_much


@pytest.mark.requirement("E2")
async def test_an_actor_that_holds_the_loop_of_a_running_shop_is_named_in_its_log_and_metrics(
    reachable_folder: Path,
) -> None:
    folder, port = reachable_folder / "held", free_ports()
    async with (
        running_sandbox(folder, port, module="tests.turnpike.holding"),
        httpx.AsyncClient(trust_env=False) as http,
    ):
        before = await metrics(http, port)
        assert (await http.get(f"http://127.0.0.1:{port + 2}/health", timeout=20)).text == "ok\n"
        after = await metrics(http, port)
    assert after["turnpike_loop_held_total"] > before["turnpike_loop_held_total"]
    assert after["turnpike_loop_longest_turn_seconds"] >= HELD_SECONDS
    lines = [json.loads(line) for line in (folder / "turnpike.log").read_text().splitlines()]
    held = [line for line in lines if line["event"] == "loop was held" and line["actor"] == "gateway"]
    assert held, [line for line in lines if line["event"] == "loop was held"]
    assert max(line["milliseconds"] for line in held) >= HELD_SECONDS * 1000
    assert any(compute_too_much.__name__ in line["stack"] for line in held)


async def metrics(http: httpx.AsyncClient, port: int) -> dict[str, float]:
    """Every value of the metrics page of a sandbox."""
    text = (await http.get(f"http://127.0.0.1:{port + 4}/metrics", timeout=20)).text
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}
