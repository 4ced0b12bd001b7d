"""A real Xray's process: comes up or says why not, goes when told, and never outlives its parent."""

import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
import trio

from integrations.xray.node import server_config
from integrations.xray.process import XrayBusy, XrayProcess, XrayStartFailed, open_xray
from integrations.xray.stream import Config
from tests.fixtures.xray import plain_node, running

PARENT = """
import sys, trio
from pathlib import Path
from tests.fixtures.xray import plain_node, running

async def main():
    folder = Path(sys.argv[1])
    async with running(plain_node(folder), folder) as xray:
        print(xray.pid, flush=True)
        await trio.sleep_forever()

trio.run(main)
"""


def accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def until_it_catches_sigterm(pid: int) -> None:
    """Xray begins to listen to signals a moment after its ports are open."""
    caught = 0
    while not caught >> (signal.SIGTERM - 1) & 1:
        status = await trio.Path(f"/proc/{pid}/status").read_text()
        (caught,) = [int(line.split()[1], 16) for line in status.splitlines() if line.startswith("SigCgt:")]


async def test_inside_the_block_it_accepts_and_after_it_is_gone(tmp_path: Path) -> None:
    node = plain_node(tmp_path)
    async with running(node, tmp_path) as xray:
        assert accepts(node.port)
        await trio.aclose_forcefully(await trio.open_unix_socket(node.api_socket))
    assert not accepts(node.port)
    with pytest.raises(ProcessLookupError):
        os.kill(xray.pid, 0)


async def test_only_the_owner_can_read_the_configuration_and_reach_the_api(tmp_path: Path) -> None:
    folder = tmp_path / "xray"
    node = plain_node(folder)
    async with running(node, folder):
        assert folder.stat().st_mode & 0o777 == 0o700
        assert (folder / "plain.json").stat().st_mode & 0o777 == 0o600
        assert node.api_socket.stat().st_mode & 0o022 == 0


async def test_the_process_sees_none_of_our_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNPIKE_BOT_TOKEN", "12345:secret")
    async with running(plain_node(tmp_path), tmp_path) as xray:
        assert b"12345:secret" not in await trio.Path(f"/proc/{xray.pid}/environ").read_bytes()


async def test_a_cancelled_block_leaves_no_process(tmp_path: Path) -> None:
    started: list[XrayProcess] = []
    with trio.CancelScope() as scope:
        async with running(plain_node(tmp_path), tmp_path) as xray:
            started.append(xray)
            scope.cancel()
            await trio.sleep_forever()
    assert started[0].returncode() is not None


async def test_a_start_that_is_cancelled_leaves_no_process(tmp_path: Path) -> None:
    node = plain_node(tmp_path)
    with trio.move_on_after(0.03):
        async with running(node, tmp_path):
            await trio.sleep_forever()
    # The process holds the node's lock for its whole life, so whoever gets it is alone.
    async with running(node, tmp_path):
        assert accepts(node.port)


async def test_what_the_block_raises_comes_out_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(LookupError):
        async with running(plain_node(tmp_path), tmp_path):
            raise LookupError


@pytest.mark.parametrize(
    ("number", "how"), [(signal.SIGKILL, "killed by SIGKILL"), (signal.SIGTERM, "asked to stop")]
)
async def test_everybody_who_waits_is_told_how_it_ended(
    tmp_path: Path, number: signal.Signals, how: str
) -> None:
    sentences: list[str] = []

    async def wait(xray: XrayProcess) -> None:
        sentences.append(await xray.wait_dead())

    async with running(plain_node(tmp_path), tmp_path) as xray, trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(wait, xray)
        await trio.testing.wait_all_tasks_blocked()
        os.kill(xray.pid, number)
    assert len(sentences) == 3
    assert all(how in sentence and "Xray 'plain'" in sentence for sentence in sentences)


async def test_an_xray_that_does_not_listen_to_sigterm_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integrations.xray.process.STOP_SECONDS", 0.1)
    async with running(plain_node(tmp_path), tmp_path) as xray:
        await until_it_catches_sigterm(xray.pid)
        os.kill(xray.pid, signal.SIGSTOP)
    assert xray.returncode() == -signal.SIGKILL


async def test_it_starts_again_after_a_kill_left_its_socket_behind(tmp_path: Path) -> None:
    node = plain_node(tmp_path)
    for _ in range(2):
        async with running(node, tmp_path) as xray:
            os.kill(xray.pid, signal.SIGKILL)
            await xray.wait_dead()
        assert node.api_socket.exists()


async def test_a_second_xray_on_the_same_node_is_refused(tmp_path: Path) -> None:
    node = plain_node(tmp_path)
    async with running(node, tmp_path):
        with pytest.raises(XrayBusy, match="another Xray runs for this node"):
            await open_and_close(server_config(node), node.name, tmp_path)
        assert accepts(node.port)


async def test_a_port_in_use_is_refused_although_linux_would_share_it(tmp_path: Path) -> None:
    """Xray sets SO_REUSEPORT: without the check both would run and split the traffic."""
    node = plain_node(tmp_path)
    other = replace(plain_node(tmp_path, "other"), port=node.port)
    async with running(node, tmp_path):
        with pytest.raises(
            XrayBusy, match=rf"cannot listen on 127\.0\.0\.1 port {node.port}: Address already in use"
        ):
            await open_and_close(server_config(other, listen="127.0.0.1"), other.name, tmp_path)


async def test_a_socket_on_which_another_xray_answers_is_left_alone(tmp_path: Path) -> None:
    node = plain_node(tmp_path)
    other = replace(plain_node(tmp_path, "other"), api_socket=node.api_socket)
    async with running(node, tmp_path):
        with pytest.raises(XrayBusy, match="another Xray answers on the API socket"):
            await open_and_close(server_config(other), other.name, tmp_path)
        assert node.api_socket.exists()


async def test_an_address_of_another_machine_is_named(tmp_path: Path) -> None:
    node = plain_node(tmp_path)
    with pytest.raises(
        XrayBusy, match=r"cannot listen on 192\.0\.2\.1 port \d+: Cannot assign requested address"
    ):
        await open_and_close(server_config(node, listen="192.0.2.1"), node.name, tmp_path)


async def test_a_configuration_that_xray_refuses_is_said_to_be_it(tmp_path: Path) -> None:
    node = plain_node(tmp_path)
    config = server_config(node)
    cast(list[Config], config["inbounds"])[0]["protocol"] = "nonsense"
    with pytest.raises(XrayStartFailed, match="Xray refuses its configuration") as caught:
        await open_and_close(config, node.name, tmp_path)
    assert "\n" not in str(caught.value)


async def test_an_xray_that_does_not_come_up_in_time_is_given_up(tmp_path: Path) -> None:
    node = plain_node(tmp_path)
    with pytest.raises(XrayStartFailed, match=r"was not ready within 0\.001 s"):
        await open_and_close(server_config(node), node.name, tmp_path, start_within=0.001)


async def open_and_close(config: Config, name: str, folder: Path, start_within: float = 15) -> None:
    async with open_xray(config, name=name, folder=folder, start_within=start_within):
        pass


def start_parent(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", PARENT, str(folder)], stdout=subprocess.PIPE, text=True)


async def test_kill_9_of_the_parent_leaves_no_xray(tmp_path: Path) -> None:
    with start_parent(tmp_path) as parent:
        assert parent.stdout is not None
        pid = int(await trio.to_thread.run_sync(parent.stdout.readline))
        orphan = os.pidfd_open(pid)
        try:
            parent.kill()
            with trio.fail_after(5):
                await trio.lowlevel.wait_readable(orphan)
        finally:
            os.close(orphan)


async def test_ctrl_c_in_the_terminal_does_not_reach_xray_before_its_parent_decides(tmp_path: Path) -> None:
    async with running(plain_node(tmp_path), tmp_path) as xray:
        assert os.getpgid(xray.pid) != os.getpgid(0)


def test_a_child_whose_parent_is_already_gone_does_not_start(tmp_path: Path) -> None:
    """Between the fork and the request to the kernel the parent may die: the child compares."""
    config = tmp_path / "n.json"
    config.write_text("{}")
    nobody = "1"
    child = subprocess.run(
        [sys.executable, "-m", "integrations.xray.child", str(config), nobody, "{}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert child.returncode == 1
    assert child.stdout == "the process that started this Xray is already gone"


def test_the_child_starts_with_few_modules() -> None:
    """Every node and every probe pays for each of them."""
    program = "import sys; import integrations.xray.child; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"trio", "httpx", "msgspec", "cryptography", "google", "h2"} & set(run.stdout.split())


def test_a_configuration_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.json")
    program = [sys.executable, "-m", "integrations.xray.child", missing, str(os.getpid()), "{}"]
    run = subprocess.run(program, capture_output=True, text=True, check=False)
    assert run.stdout.startswith(f"cannot read the configuration {missing}")
    assert run.stderr == ""
