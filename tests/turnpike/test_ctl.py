"""`turnpike ctl` as an operator uses it: a process of its own against a system that runs."""

import getpass
import json
import os
import pty
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio

from runtime import Actor, ActorCrashed, ActorSpec, Ask, Message
from runtime.alerts import SWITCHED_OFF
from runtime.control_client import Refused
from tests.e2e.sandbox import ROOT
from tests.runtime.kit import Crash, Echo
from tests.turnpike.small_system import system_in
from turnpike import control
from turnpike.control import find_system

LIMIT_SECONDS = 30

TOKEN = "7000000001:AAE-a-token-of-a-bot-that-is-secret"


async def ctl(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `turnpike ctl` and give what it said."""
    command = [sys.executable, "-m", "turnpike", "ctl", *words, "--data", str(folder)]
    with trio.fail_after(LIMIT_SECONDS):
        done = await trio.run_process(
            command, cwd=ROOT, check=False, capture_stdout=True, capture_stderr=True
        )
    return subprocess.CompletedProcess(command, done.returncode, done.stdout.decode(), done.stderr.decode())


async def ctl_json(folder: Path, *words: str) -> Any:
    done = await ctl(folder, *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


async def test_status_is_a_table_for_people(tmp_path: Path) -> None:
    async with system_in(tmp_path) as system:
        await system.ref("clerk").call(Echo(1))
        done = await ctl(tmp_path, "status")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"process {os.getpid()}, up ")
    assert lines[2].split() == ["actor", "state", "since", "restarts", "mailbox", "oldest", "in", "hand"]
    assert lines[3].split() == ["tree", "one_for_one"]
    assert lines[4].startswith("├─ clerk  running ")
    assert lines[4].split()[-4:] == ["0", "0/16", "–", "–"]
    assert lines[5].startswith("└─ idler  running ")
    assert lines[8].split()[:2] == ["idler", "on"]
    assert "\x1b" not in done.stdout


async def test_the_last_error_is_told_without_secrets_and_without_steering_the_terminal(
    tmp_path: Path,
) -> None:
    async with system_in(tmp_path) as system:
        with pytest.raises(ActorCrashed):
            await system.ref("clerk").call(Crash(f"no answer from bot{TOKEN}\x1b[2J"))
        for done in (await ctl(tmp_path, "status"), await ctl(tmp_path, "status", "--json")):
            assert "RuntimeError: no answer from bot[token]" in done.stdout
            assert "\x1b" not in done.stdout


async def test_json_is_for_scripts(tmp_path: Path) -> None:
    async with system_in(tmp_path):
        status = await ctl_json(tmp_path, "status")
        assert status["pid"] == os.getpid()
        assert status["stopping"] is False
        clerk, idler = status["root"]["children"]
        assert (clerk["kind"], clerk["name"], clerk["state"], clerk["capacity"]) == (
            "actor",
            "clerk",
            "running",
            16,
        )
        assert idler["worker"]["switched_on"] is True
        assert (await ctl_json(tmp_path, "restart", "clerk"))["incarnations"] == 2
        assert (await ctl_json(tmp_path, "suspend", "clerk"))["suspended"] is True
        assert (await ctl_json(tmp_path, "resume", "clerk"))["suspended"] is False
        assert (await ctl_json(tmp_path, "kill-switch", "idler", "off"))["worker"]["switched_on"] is False
        assert (await ctl_json(tmp_path, "kill-switch", "idler", "on"))["worker"]["switched_on"] is True
        assert (await ctl_json(tmp_path, "reload", "clerk"))["incarnations"] == 3
        assert await ctl_json(tmp_path, "reload", "--all") == {"reloaded": ["clerk", "idler"], "failed": {}}
        assert set(await ctl_json(tmp_path, "stacks")) == {"clerk", "idler"}


async def test_a_reload_of_everything_tells_who_was_not_reloaded(tmp_path: Path) -> None:
    async with system_in(tmp_path, ActorSpec("made", lambda context: Actor(context))):
        done = await ctl(tmp_path, "reload", "--all")
    assert done.returncode == 1
    assert done.stdout == "clerk was reloaded\nidler was reloaded\n"
    assert done.stderr.startswith(
        "turnpike: made was not reloaded, its old code goes on: its factory is neither"
    )


async def test_orders_are_answered_in_words(tmp_path: Path) -> None:
    async with system_in(tmp_path):
        said = [
            (await ctl(tmp_path, *words)).stdout
            for words in (
                ("restart", "clerk"),
                ("suspend", "clerk"),
                ("kill-switch", "idler", "off"),
                ("stacks",),
            )
        ]
    assert said[:3] == [
        "clerk was restarted and is running\n",
        "clerk is suspended: messages wait until it is resumed\n",
        "idler is switched off: it does not tick until it is switched on\n",
    ]
    assert said[3].startswith("clerk\n  File ")


async def test_a_switch_goes_to_whoever_keeps_switches(tmp_path: Path) -> None:
    async with system_in(tmp_path, ActorSpec("switches", Keeper)):
        said = await ctl(tmp_path, "kill-switch", "payments", "off", "--reason", "a leak")
        assert said.stdout == f"payments False {getpass.getuser()} a leak\n"
        status, top = await ctl(tmp_path, "status"), await ctl(tmp_path, "top")
    assert "payments is off" in status.stdout
    assert "switched off: payments\n" in top.stdout


class Keeper(Actor):
    """Keeps no switch, and says what it was asked."""

    async def receive(self, message: Message) -> object:
        assert isinstance(message, Ask)
        asked = msgspec.json.decode(message.body, type=dict[str, object])
        self.context.alert(SWITCHED_OFF + str(asked["name"]), f"{asked['name']} is off")
        return f"{asked['name']} {asked['on']} {asked['by']} {asked['reason']}"


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (("restart", "clrek"), 1, "turnpike: no actor is named 'clrek'; did you mean 'clerk'?\n"),
        (("trace", "clrek"), 1, "turnpike: no actor is named 'clrek'; did you mean 'clerk'?\n"),
        (("kill-switch", "clerk", "off"), 1, "turnpike: clerk has no switch: it is not a worker"),
        (("kill-switch", "idler", "maybe"), 2, "is not one of 'on', 'off'"),
        (("reload",), 2, "say either the name of an actor or --all"),
        (("reload", "clerk", "--all"), 2, "say either the name of an actor or --all"),
        (("restart",), 2, "Missing argument 'NAME'"),
    ],
)
async def test_what_cannot_be_done_is_a_sentence_and_a_status(
    tmp_path: Path, words: tuple[str, ...], status: int, sentence: str
) -> None:
    async with system_in(tmp_path):
        done = await ctl(tmp_path, *words)
    assert (done.returncode, done.stdout) == (status, "")
    assert sentence in done.stderr


async def test_without_a_system_it_says_where_it_looked(tmp_path: Path) -> None:
    done = await ctl(tmp_path, "status")
    assert done.returncode == 1
    assert done.stderr == f"turnpike: nobody listens on {tmp_path}/control.sock; is the system running?\n"


async def test_the_system_that_runs_is_found_and_two_must_be_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, sandbox = tmp_path / "shop", tmp_path / "sandbox"
    shop.mkdir(mode=0o700)
    sandbox.mkdir(mode=0o700)
    monkeypatch.setattr(control, "default_data_folder", lambda name, _: tmp_path / name)
    with pytest.raises(Refused, match=f"no system runs on the data in {shop} or {sandbox}; give another"):
        await find_system(None)
    async with system_in(sandbox):
        assert await find_system(None) == sandbox / "control.sock"
        async with system_in(shop):
            with pytest.raises(Refused, match=f"systems run on {shop} and {sandbox}: say with --data"):
                await find_system(None)
    assert await find_system(tmp_path) == tmp_path / "control.sock"


async def test_top_is_shown_once_where_there_is_no_terminal(tmp_path: Path) -> None:
    async with system_in(tmp_path):
        done = await ctl(tmp_path, "top")
    assert done.returncode == 0
    assert done.stdout.count("messages/s") == 1
    [clerk] = [line for line in done.stdout.splitlines() if "clerk" in line]
    assert clerk.split()[2:5] == ["running", "0.0", "0%"]


async def test_top_on_a_terminal_follows_until_q_and_gives_the_terminal_back(tmp_path: Path) -> None:
    async with system_in(tmp_path):
        ours, theirs = pty.openpty()
        termios.tcsetwinsize(ours, (20, 100))
        before = termios.tcgetattr(theirs)
        command = [sys.executable, "-m", "turnpike", "ctl", "top", "--data", str(tmp_path)]
        process = await trio.lowlevel.open_process(
            command, cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "xterm"}
        )
        shown = b""
        with trio.fail_after(LIMIT_SECONDS):
            while shown.count(b"clerk") < 2 or b"0.0" not in shown:
                await trio.lowlevel.wait_readable(ours)
                shown += os.read(ours, 65_536)
            os.write(ours, b"q")
            assert await process.wait() == 0
        with trio.fail_after(LIMIT_SECONDS):
            await trio.lowlevel.wait_readable(ours)
        shown += os.read(ours, 65_536)
        assert shown.startswith(b"\x1b[?1049h")
        assert shown.rstrip().endswith(b"\x1b[?1049l")
        assert b"\x1b[32mrunning" in shown
        assert termios.tcgetattr(theirs) == before
        os.close(ours)
        os.close(theirs)
