"""Actors are cheap enough to have one for everything that has a life of its own."""

import json
import subprocess
import sys
from pathlib import Path

ACTORS = 10_000

MEASURE = f"""
import dataclasses, json, logging, structlog, trio
from bench.runtime import idle_actors
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
print(json.dumps(dataclasses.asdict(trio.run(idle_actors, {ACTORS}))))
"""


def test_ten_thousand_idle_actors_start_in_seconds_and_take_kilobytes() -> None:
    # In a process of its own: the memory of this one has been larger before.
    measured = subprocess.run(
        [sys.executable, "-c", MEASURE],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=True,
        timeout=120,
    )
    crowd = json.loads(measured.stdout)
    assert crowd["start"] < 5
    assert 1_000 < crowd["size"] < 10_000
