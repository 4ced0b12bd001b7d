"""`turnpike run`, as an operator starts and stops it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import trio

from integrations.telegram.sandbox import SANDBOX_TOKEN
from tests.e2e.sandbox import ROOT
from tests.fixtures.postgres import Database
from tests.fixtures.processes import descendants, is_running
from tests.turnpike.test_failures import shop


async def test_it_starts_while_telegram_is_down_and_stops_at_sigterm_leaving_nothing(
    database: Database, tmp_path: Path
) -> None:
    config = tmp_path / "supervisor.toml"
    config.write_text(shop("http://127.0.0.1:9") + '\n[database]\nurl_env = "TURNPIKE_DATABASE_URL"\n')
    said = tmp_path / "said"
    with said.open("wb") as output:
        process = subprocess.Popen(  # noqa: ASYNC220 - from the main thread
            [
                sys.executable,
                "-m",
                "turnpike",
                "run",
                "--config",
                str(config),
                "--data",
                str(tmp_path / "data"),
            ],
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "TURNPIKE_BOT_TOKEN": SANDBOX_TOKEN,
                "TURNPIKE_DATABASE_URL": database.owner,
            },
            stderr=output,
        )
    try:
        with trio.fail_after(60):
            while b"  ready\n" not in said.read_bytes():
                assert process.poll() is None, said.read_text()
                await trio.sleep(0.05)
        assert "starting without it" in said.read_text()
        assert SANDBOX_TOKEN not in said.read_text()
        children = descendants(process.pid)
        process.send_signal(signal.SIGTERM)
        with trio.fail_after(10):
            assert await trio.to_thread.run_sync(process.wait) == 0
        assert not [child for child in children if is_running(child)]
    finally:
        if process.poll() is None:
            process.kill()
