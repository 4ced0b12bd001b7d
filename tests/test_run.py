"""`./run` on machines that lack this or that: the real script, with stand-ins for Python and uv."""

import fcntl
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from tests.tidy.sources import ROOT

TOOLS = (
    "cat",
    "date",
    "dirname",
    "flock",
    "grep",
    "id",
    "ln",
    "mkdir",
    "readlink",
    "rm",
    "sed",
    "sha256sum",
    "sh",
    "tail",
)

STAND_IN = """\
#!/bin/sh
echo "${0##*/} $*" >>"$CALLS"
case "$*" in
*version_info*) echo "${VERSION-3.11}" ;;
*ensurepip*) exit "${ENSUREPIP_EXIT-0}" ;;
"-m venv "*) mkdir -p "$3/bin" && ln -s "$SELF" "$3/bin/python" ;;
"venv "*) mkdir -p "$5/bin" && ln -s "$SELF" "$5/bin/python" ;;
*" pip install "* | "pip sync "*)
    [ -z "${GATE-}" ] || read -r _ <"$GATE"
    echo "${PIP_SAYS-}"
    exit "${PIP_EXIT-0}"
    ;;
--version) [ "${UV-}" = works ] ;;
*) printf '%s\\n' "$PWD" "$PYTHONPATH" "$@" && exit "${EXIT-0}" ;;
esac
"""


class Machine:
    """A checkout in a folder with a space, and a PATH on which only what a test puts there can be found."""

    def __init__(self, folder: Path) -> None:
        self.checkout = folder / "my shop"
        self.path = folder / "bin"
        self.gate = str(folder / "gate")
        self._calls = folder / "calls"
        for made in (self.checkout, self.path):
            made.mkdir()
        self._calls.touch()
        shutil.copy(ROOT / "run", self.checkout)
        (self.checkout / "requirements.lock").write_text("trio==0.35.0\n")
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found, f"{tool} is not on this machine"
            (self.path / tool).symlink_to(found)
        self.install("sleep", "#!/bin/sh\nexec /bin/sleep 0.02\n")
        self.install("python3")

    def install(self, name: str, script: str = STAND_IN) -> None:
        """Put a program on the PATH."""
        (self.path / name).write_text(script)
        (self.path / name).chmod(0o755)

    def take_calls(self) -> list[str]:
        """What the stand-ins were called with, and forget it."""
        said = self._calls.read_text().splitlines()
        self._calls.write_text("")
        return said

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start `run` from another folder, without a terminal and without a home."""
        surroundings = {"PATH": str(self.path), "CALLS": str(self._calls), "SELF": str(self.path / "python3")}
        return subprocess.Popen(
            [self.checkout / "run", *arguments],
            cwd=self.path,
            env=surroundings | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **environment: str) -> tuple[int, str, str]:
        """Exit code, output and complaints of a run to its end."""
        with self.start(*arguments, **environment) as process:
            said, complained = process.communicate(timeout=30)
        return process.returncode, said, complained


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[TextIO]:
    """A pipe on which an installation waits; open at both ends, so that nobody waits for it to be opened."""
    os.mkfifo(tmp_path / "gate")
    with os.fdopen(os.open(tmp_path / "gate", os.O_RDWR), "w") as opened:
        yield opened


def read_until(process: subprocess.Popen[str], words: str) -> None:
    """Read the complaints of a run until they say this; fail if it ends before."""
    assert process.stderr is not None
    said = ""
    while words not in said:
        character = process.stderr.read(1)
        assert character, f"it ended after {said}"
        said += character


def test_the_first_start_prepares_and_the_second_starts_python_once(machine: Machine) -> None:
    assert machine.run("sandbox")[0] == 0
    assert any("--require-hashes" in call for call in machine.take_calls())
    assert machine.run("sandbox")[2] == ""
    assert machine.take_calls() == ["python -P -m turnpike sandbox"]


def test_arguments_folder_and_exit_code_pass_through(machine: Machine) -> None:
    link = machine.path / "turnpike"
    link.symlink_to(machine.checkout / "run")
    code, said, _ = machine.run("ctl", "trace", "two words", EXIT="7")
    expected = [str(machine.path), str(machine.checkout), "-P", "-m", "turnpike", "ctl", "trace", "two words"]
    assert (code, said.splitlines()) == (7, expected)
    linked = subprocess.run(
        [link], env={"PATH": str(machine.path), "CALLS": "/dev/null"}, capture_output=True
    )
    assert linked.returncode == 0, linked.stderr


def test_the_tests_run_in_the_checkout(machine: Machine) -> None:
    assert machine.run("test", "-k", "money")[1].splitlines() == [
        *[str(machine.checkout)] * 2,
        *["-P", "-m", "pytest", "-k", "money"],
    ]


def test_uv_is_used_where_it_works(machine: Machine) -> None:
    machine.install("uv")
    assert machine.run(UV="broken")[0] == 0
    assert not any(call.startswith("uv pip") for call in machine.take_calls())
    shutil.rmtree(machine.checkout / ".venv")
    assert machine.run(UV="works")[0] == 0
    assert any(call.startswith("uv pip sync") and "--require-hashes" in call for call in machine.take_calls())


def test_uv_brings_a_python_where_there_is_none(machine: Machine) -> None:
    (machine.path / "python3").rename(machine.path / "uv")
    assert machine.run(UV="works", SELF=str(machine.path / "uv"))[0] == 0
    assert any(call.startswith("uv venv") and "--python 3.11 " in call for call in machine.take_calls())


def test_a_changed_lock_is_installed_under_a_shop_that_runs(machine: Machine) -> None:
    machine.run()
    in_use = machine.checkout / ".venv" / "bin" / "pip"
    in_use.touch(0o755)
    machine.take_calls()
    (machine.checkout / "requirements.lock").write_text("trio==0.36.0\n")
    assert machine.run()[0] == 0
    calls = machine.take_calls()
    assert any("pip install" in call for call in calls)
    assert not any("-m venv" in call for call in calls)
    assert in_use.exists()


def test_another_python_in_the_same_place_gets_an_environment_of_its_own(machine: Machine) -> None:
    machine.run()
    (machine.checkout / ".venv" / "bin" / "pip").touch(0o755)
    (machine.path / "python3").rename(machine.path / "python3.13")
    python = machine.checkout / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to(machine.path / "python3.13")
    machine.take_calls()
    assert machine.run(SELF=str(machine.path / "python3.13"))[0] == 0
    assert any("-m venv" in call for call in machine.take_calls())


@pytest.mark.parametrize(
    ("lacking", "environment", "sentence", "packages"),
    [
        ("python3", {}, "there is no python3 here", "python3 python3-venv"),
        ("", {"VERSION": "3.9"}, "python3 here is 3.9", "python3.11 python3.11-venv"),
        ("", {"VERSION": "3.13", "ENSUREPIP_EXIT": "1"}, "cannot make environments", "python3.13-venv"),
    ],
)
def test_what_is_missing_is_named_with_its_package(
    machine: Machine, lacking: str, environment: dict[str, str], sentence: str, packages: str
) -> None:
    if lacking:
        (machine.path / lacking).unlink()
    code, said, complained = machine.run(**environment)
    assert (code, said) == (1, "")
    assert sentence in complained
    assert f"apt-get install -y {packages}\n" in complained


def test_without_a_network_one_sentence_says_so_and_the_next_start_tries_again(machine: Machine) -> None:
    code, _, complained = machine.run(PIP_EXIT="1", PIP_SAYS="NewConnectionError: Name or service not known")
    assert code == 1
    assert "could not be downloaded" in complained
    assert "NewConnectionError" not in complained
    assert machine.run()[0] == 0


def test_another_failure_shows_what_was_said(machine: Machine) -> None:
    code, _, complained = machine.run(PIP_EXIT="1", PIP_SAYS="hashes do not match")
    assert code == 1
    assert "hashes do not match" in complained


def test_a_set_up_that_was_interrupted_leaves_nobody_behind_and_is_made_again(
    machine: Machine, gate: TextIO
) -> None:
    with machine.start(GATE=machine.gate) as process:
        read_until(process, "installing requirements.lock")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == 130
    with (machine.checkout / "requirements.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the installation would hold it
    machine.take_calls()
    assert machine.run()[0] == 0
    assert any("pip install" in call for call in machine.take_calls())


def test_two_at_once_prepare_once(machine: Machine, gate: TextIO) -> None:
    with machine.start(GATE=machine.gate) as first:
        read_until(first, "installing requirements.lock")
        with machine.start() as second:
            read_until(second, "waiting for it")
            gate.write("go\n")
            gate.flush()
            second.communicate(timeout=30)
        first.communicate(timeout=30)
    assert (first.returncode, second.returncode) == (0, 0)
    assert sum("pip install" in call for call in machine.take_calls()) == 1
