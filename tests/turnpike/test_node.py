"""`turnpike node` as an operator types it on the two machines."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from tests.fixtures.agents import authority_in
from turnpike.__main__ import main

ROOT = Path(__file__).parents[2]


def enrol(folder: Path, name: str = "far") -> str:
    """What is printed for copying."""
    result = CliRunner().invoke(main, ["node", "enrol", name, "--data", str(folder)])
    assert result.exit_code == 0, result.output
    assert f"entry of '{name}': api = \"agent://ADDRESS:8443\"" in result.stderr
    return result.stdout


def agent(folder: Path, *options: str) -> "subprocess.Popen[str]":
    """The agent on a free port."""
    command = [sys.executable, "-P", "-m", "turnpike", "node", "--listen", "127.0.0.1", "--port", "0"]
    return subprocess.Popen(
        [*command, "--data", str(folder), *options],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        text=True,
    )


def first_words(process: "subprocess.Popen[str]", answer: str) -> str:
    """What it says after that answer to its question."""
    assert process.stdin is not None
    assert process.stderr is not None
    process.stdin.write(answer)
    process.stdin.close()
    return process.stderr.readline()


def test_a_machine_is_given_the_line_once_and_serves_until_it_is_stopped(tmp_path: Path) -> None:
    line = enrol(tmp_path / "shop")
    assert line.count("\n") == 1
    for answer in (line, ""):
        with agent(tmp_path / "machine") as process:
            try:
                said = first_words(process, answer)
                assert re.search(r"agent of far\.node\.turnpike listens on 127\.0\.0\.1 port \d+", said), said
            finally:
                process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0


def test_a_wrong_line_is_one_sentence_and_leaves_what_was_there(tmp_path: Path) -> None:
    with agent(tmp_path / "machine") as process:
        said = first_words(process, "something else\n")
        assert said.startswith("turnpike: this is not what `turnpike node enrol` prints")
        assert process.wait(20) == 1
    with agent(tmp_path / "machine", "--again") as process:
        first_words(process, authority_in(tmp_path, "far")[1][0])
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_a_name_that_no_node_can_have_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["node", "enrol", "Far away", "--data", str(tmp_path)])
    assert result.exit_code == 1
    assert "'Far away' is no name of a node" in result.stderr
    assert not (tmp_path / "agents").exists()
