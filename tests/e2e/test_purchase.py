"""A purchase from end to end, through the sandbox's HTTP interface only, on a real PostgreSQL and a real Xray."""

import os
import signal
import subprocess
import uuid
from pathlib import Path

import psycopg
import pytest
import trio

from tests.e2e.sandbox import Person, Sandbox, free_ports, running_sandbox
from tests.fixtures.processes import command_line, descendants, is_running

KEY = r"(vless://\S+)"
ALICE, BOB, CAROL = 1001, 1002, 1003


async def buy_by_crypto(sandbox: Sandbox, person: Person, plan: str = "1 month") -> str:
    await person.say("/start")
    await person.press("Plans")
    await person.press(plan)
    await person.press("Crypto Pay")
    url = await person.press("Pay 199")
    assert url is not None
    await sandbox.pay_crypto(url)
    return await person.read(KEY)


async def buy_by_stars(person: Person, plan: str = "1 month") -> str:
    await person.say("/plans")
    await person.press(plan)
    await person.press("Telegram Stars")
    assert (await person.pay_invoice())["paid"]
    return await person.read(KEY)


async def top_up_and_buy(person: Person) -> str:
    await person.say("/balance")
    await person.press("200 ₽")
    await person.press("Telegram Stars")
    assert (await person.pay_invoice())["paid"]
    await person.read("200 ₽ added")
    await person.press("Plans")
    await person.press("1 month")
    await person.press("Balance · 200 ₽")
    await person.press("Pay 199 ₽")
    return await person.read(KEY)


async def assert_passes(sandbox: Sandbox, link: str) -> None:
    seen = await sandbox.probe(link)
    assert seen.returncode == 0, seen.stderr.decode()
    assert "exit address  127.0.0.1" in seen.stdout.decode()


async def assert_refused(sandbox: Sandbox, link: str) -> None:
    seen = await sandbox.probe(link)
    assert seen.returncode == 1, seen.stdout.decode()
    assert seen.stderr.decode().startswith("no traffic: ")


async def test_three_people_buy_in_three_ways_and_lose_access_at_the_end(reachable_folder: Path) -> None:
    async with running_sandbox(reachable_folder / "three", free_ports()) as sandbox:
        created = await sandbox.http.post("/sandbox/people", json={"id": CAROL, "first_name": "Carol"})
        assert created.is_success, created.text
        alice, bob, carol = map(sandbox.person, (ALICE, BOB, CAROL))
        links: dict[str, str] = {}

        async with trio.open_nursery() as nursery:
            nursery.start_soon(_into, links, "alice", buy_by_crypto, sandbox, alice)
            nursery.start_soon(_into, links, "bob", buy_by_stars, bob)
            nursery.start_soon(_into, links, "carol", top_up_and_buy, carol)

        assert len(set(links.values())) == 3
        for link in links.values():
            await assert_passes(sandbox, link)
        own = links["alice"].removeprefix("vless://").partition("@")[0]
        await assert_refused(sandbox, links["alice"].replace(own, str(uuid.uuid4())))

        await carol.say("/me")
        assert await carol.read(r"Balance: (1 ₽)")
        address = await carol.read(r"(http://\S+/s/\S+)")
        assert (await sandbox.http.get(address)).headers["profile-title"].startswith("base64:")

        await sandbox.advance(days=31)
        for person in (alice, bob, carol):
            await person.read("access is switched off")
        await _until_off(sandbox, list(links.values()))
        assert alice.count("Paid: 1 month") == bob.count("Paid: 1 month") == carol.count("Paid: 1 month") == 1


async def _into(links: dict[str, str], name: str, buy: object, *arguments: object) -> None:
    links[name] = await buy(*arguments)  # type: ignore[operator]


async def _until_off(sandbox: Sandbox, links: list[str]) -> None:
    """The message is written with the decision; the node is told right after it."""
    for link in links:
        with trio.fail_after(30):
            while (await sandbox.probe(link)).returncode == 0:
                pass


@pytest.mark.requirement("F7")
async def test_killed_between_payment_and_provisioning_the_key_comes_after_the_next_start(
    reachable_folder: Path,
) -> None:
    folder, port = reachable_folder / "killed", free_ports()
    async with running_sandbox(folder, port) as sandbox:
        alice = sandbox.person(ALICE)
        os.kill(_child(sandbox, "integrations.xray.child"), signal.SIGSTOP)  # provisioning cannot go on
        await alice.say("/plans")
        await alice.press("1 month")
        await alice.press("Telegram Stars")
        await alice.pay_invoice()
        await alice.read("Your key is on its way")
        children = descendants(sandbox.process.pid)
        assert len(children) >= 2, "PostgreSQL and Xray"
        assert await sandbox.stop(signal.SIGKILL) == -signal.SIGKILL

    async with running_sandbox(folder, port) as sandbox:
        assert not [child for child in children if is_running(child)]
        link = await sandbox.person(ALICE).read(KEY)
        await assert_passes(sandbox, link)
        with psycopg.connect(_conninfo(folder), autocommit=True) as reader:
            assert reader.execute("SELECT count(*) FROM payments").fetchone() == (1,)
            assert reader.execute("SELECT count(*) FROM transfers").fetchone() == (1,)
        children = descendants(sandbox.process.pid)
        assert await sandbox.stop(signal.SIGINT, seconds=10) == 0
        assert not [child for child in children if is_running(child)]


def _child(sandbox: Sandbox, module: str) -> int:
    """The child process of the sandbox that runs a module."""
    return next(child for child in descendants(sandbox.process.pid) if module in command_line(child))


def _conninfo(folder: Path) -> str:
    return f"host={folder / 'postgres' / 'socket'} dbname=turnpike user=turnpike_reader"


async def test_a_second_sandbox_on_the_same_data_refuses_in_one_sentence(reachable_folder: Path) -> None:
    folder = reachable_folder / "twice"
    async with running_sandbox(folder, free_ports()) as sandbox:
        second = await trio.run_process(
            [*sandbox.process.args[:4], "--port", str(free_ports()), "--data", str(folder)],  # type: ignore[index]
            check=False,
            capture_stderr=True,
        )
        assert second.returncode == 1
        [sentence] = [line for line in second.stderr.decode().splitlines() if line.startswith("turnpike: ")]
        assert "in use" in sentence
        assert subprocess.Popen.poll(sandbox.process) is None
