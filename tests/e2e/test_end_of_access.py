"""The whole shop on real nodes: what was paid for works, and when it ends it ends for its buyer only (U8).

One node has REALITY with vision, the other WebSocket without a flow, over which apps may multiplex.
"""

from base64 import b64decode
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pytest
import trio

from integrations.xray.link import parse_link, write_link
from integrations.xray.transport import VISION
from tests.e2e.sandbox import Person, Sandbox, free_ports, running_sandbox
from tests.fixtures.downloads import Client, Download, open_app, open_endless_site
from tests.fixtures.xray import SITE, free_port, open_tls_site

ALICE, BOB = 1001, 1002

#: Seconds from the end of the paid time until nothing of it is left.
OFF_WITHIN_SECONDS = 60

NODES = """
[[nodes]]
name = "hidden"
host = "127.0.0.1"
port = {hidden}
listen = "127.0.0.1"
reality = {{ server_name = "{site}", target = "127.0.0.1:{target}" }}

[[nodes]]
name = "open"
host = "127.0.0.1"
port = {open}
listen = "127.0.0.1"
websocket = {{ path = "/secret" }}
"""


@dataclass(frozen=True)
class Customer:
    """Somebody who has bought: the link and an app for each node, and a download through each app."""

    links: dict[str, str]
    apps: dict[str, Client]
    downloads: dict[str, Download]

    async def go_on(self) -> None:
        """Return when each download has got some more."""
        for download in self.downloads.values():
            await download.goes_on()


def shop_with_both_nodes(folder: Path, target: int) -> Path:
    """The sandbox's shop with nodes of its own."""
    own = NODES.format(hidden=free_port(), open=free_port(), site=SITE, target=target)
    path = folder / "shop.toml"
    path.write_text(files("turnpike").joinpath("sandbox.toml").read_text() + own)
    return path


async def buy(person: Person, plan: str) -> None:
    await person.say("/plans")
    await person.press(plan)
    await person.press("Telegram Stars")
    assert (await person.pay_invoice())["paid"]
    await person.read(r"(vless://\S+)")


async def links_of(sandbox: Sandbox, person: Person) -> dict[str, str]:
    """What an app finds at the subscription address, by node."""
    await person.say("/me")
    address = await person.read(r"(http://\S+/s/\S+)")
    answer = await sandbox.http.get(f"{address}/links")
    assert answer.is_success, answer.text
    profiles = [parse_link(line) for line in b64decode(answer.content).decode().split()]
    return {"hidden" if each.flow == VISION else "open": write_link(each) for each in profiles}


@asynccontextmanager
async def customer(
    sandbox: Sandbox, number: int, plan: str, site: int, folder: Path
) -> AsyncIterator[Customer]:
    """Somebody who has bought a plan and downloads through both nodes, multiplexing where that is possible."""
    person = sandbox.person(number)
    rich = await sandbox.http.patch(f"/sandbox/people/{number}", json={"stars": 10_000})
    assert rich.is_success, rich.text
    await buy(person, plan)
    links = await links_of(sandbox, person)
    assert links.keys() == {"hidden", "open"}
    async with AsyncExitStack() as stack:
        apps = {
            name: await stack.enter_async_context(
                open_app(
                    parse_link(link),
                    ("127.0.0.1", site),
                    folder / f"{number}-{name}",
                    multiplexing=name == "open",
                )
            )
            for name, link in links.items()
        }
        downloads = {name: await app.download() for name, app in apps.items()}
        yield Customer(links, apps, downloads)


async def assert_passes(sandbox: Sandbox, link: str) -> None:
    seen = await sandbox.probe(link)
    assert seen.returncode == 0, seen.stderr.decode()


async def assert_refused(sandbox: Sandbox, app: Client, link: str) -> None:
    """Neither over what the app still has, nor by a new connection."""
    assert await app.is_refused(), link
    seen = await sandbox.probe(link)
    assert seen.returncode == 1, seen.stdout.decode()


@pytest.mark.requirement("U8")
async def test_when_the_paid_time_ends_downloads_stop_and_nobody_else_notices(
    reachable_folder: Path, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    async with open_tls_site() as target, open_endless_site() as site, AsyncExitStack() as stack:
        config = shop_with_both_nodes(tmp_path, target)
        sandbox = await stack.enter_async_context(
            running_sandbox(reachable_folder / "ending", free_ports(), "--config", str(config))
        )
        alice = await stack.enter_async_context(customer(sandbox, ALICE, "1 month", site, tmp_path))
        bob = await stack.enter_async_context(customer(sandbox, BOB, "1 year", site, tmp_path))
        async with trio.open_nursery() as nursery:
            for link in alice.links.values():
                nursery.start_soon(assert_passes, sandbox, link)
        await alice.go_on()

        await sandbox.advance(days=30)
        over = trio.current_time()
        with trio.fail_after(OFF_WITHIN_SECONDS):
            for download in alice.downloads.values():
                await download.ends()
        record_property("seconds from the end to off", trio.current_time() - over)

        async with trio.open_nursery() as nursery:
            for name, link in alice.links.items():
                nursery.start_soon(assert_refused, sandbox, alice.apps[name], link)
        await bob.go_on()
        for link in bob.links.values():
            await assert_passes(sandbox, link)
