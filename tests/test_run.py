"""`./run` on machines that lack this or that: the real script, with a stand-in for Python and uv that writes down its calls."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tidy.sources import ROOT

TOOLS = "cat date dirname flock grep id mkdir mkfifo readlink rm sed sha256sum sh tail".split()

STAND_IN = """\
#!/bin/sh
echo "${0##*/} $*" >>"$CALLS"
case "$*" in
*version_info*) echo "${VERSION-3.11}" ;;
*ensurepip*) exit "${ENSUREPIP_EXIT-0}" ;;
"-m venv "*) mkdir -p "$3/bin" && ln -s "$SELF" "$3/bin/python" ;;
"venv "*) mkdir -p "$5/bin" && ln -s "$SELF" "$5/bin/python" ;;
*" pip install "* | "pip sync "*)
    if [ -p "${GATE-}" ]; then trap 'echo stopped >>"$CALLS"; exit 1' TERM; read -r _ <"$GATE"; fi
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
        self.gate = folder / "gate"
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

    @property
    def calls(self) -> list[str]:
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

    def shut_gate(self) -> dict[str, str]:
        """The environment in which an installation waits until `open_gate`."""
        os.mkfifo(self.gate)
        return {"GATE": str(self.gate)}

    def open_gate(self) -> None:
        """Let the installation that waits go on; returns when it has been let through."""
        self.gate.write_text("go\n")


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    yield Machine(tmp_path)


def test_the_first_start_prepares_and_the_second_starts_python_once(machine: Machine) -> None:
    assert machine.run("sandbox")[0] == 0
    assert any("--require-hashes" in call for call in machine.calls)
    assert machine.run("sandbox")[2] == ""
    assert machine.calls == ["python -P -m turnpike sandbox"]


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
    assert not any(call.startswith("uv pip") for call in machine.calls)
    shutil.rmtree(machine.checkout / ".venv")
    assert machine.run(UV="works")[0] == 0
    assert any(call.startswith("uv pip sync") and "--require-hashes" in call for call in machine.calls)


def test_a_changed_lock_is_installed(machine: Machine) -> None:
    machine.run()
    (machine.checkout / "requirements.lock").write_text("trio==0.36.0\n")
    assert "requirements.lock" in machine.run()[2]
    assert any("pip install" in call for call in machine.calls)


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


def test_a_set_up_that_was_interrupted_is_made_again(machine: Machine) -> None:
    with machine.start(**machine.shut_gate()) as process:
        with machine.gate.open("w"):  # opens when the installation waits
            process.send_signal(signal.SIGTERM)
            process.wait(30)
    assert process.returncode != 0
    assert machine.calls[-1] == "stopped"
    assert machine.run()[0] == 0
    assert any("pip install" in call for call in machine.calls)


def test_two_at_once_prepare_once(machine: Machine) -> None:
    gate = machine.shut_gate()
    with machine.start(**gate) as first:
        with machine.gate.open("w") as opened, machine.start() as second:
            assert second.stderr is not None
            assert "waiting for it" in second.stderr.readline()
            opened.write("go\n")
            opened.flush()
            assert (first.wait(30), second.wait(30)) == (0, 0)
    assert sum("pip install" in call for call in machine.calls) == 1
