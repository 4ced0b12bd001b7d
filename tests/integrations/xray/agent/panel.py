"""What a panel does with a node on another host, as a program of its own: prints what came of each step as JSON.

python -m tests.integrations.xray.agent.panel FOLDER PORT
"""

import json
import sys
from pathlib import Path

import trio

from integrations.xray.agent.authority import Authority
from integrations.xray.agent.client import AgentUnavailable
from integrations.xray.driver import open_driver
from integrations.xray.node import server_config
from tests.fixtures.agents import authority_in, client_of, roster
from tests.fixtures.downloads import open_client, open_endless_site
from tests.fixtures.hosts import NODE_ADDRESS, PANEL_ADDRESS
from tests.fixtures.xray import new_user, open_tls_site, reality_node
from tests.integrations.xray.agent.asking import answers, ask_as, hears_nothing


async def main(folder: Path, port: int) -> None:
    """Do it all."""
    authority = Authority(folder / "agents")
    agent = client_of(authority, "far", port, NODE_ADDRESS)
    with trio.fail_after(60):
        await strangers(folder, authority, port)
        async with open_tls_site(PANEL_ADDRESS) as target, open_endless_site(PANEL_ADDRESS) as site:
            node, private = reality_node(folder, target, name="far", host=NODE_ADDRESS, near=PANEL_ADDRESS)
            ann, bob = new_user(node, "ann"), new_user(node, "bob")
            await agent.start(server_config(node, private), roster(ann))
            async with (
                open_driver(node, agent.way()) as driver,
                open_client(
                    node, ann.uuid, site, folder, source=PANEL_ADDRESS, site_host=PANEL_ADDRESS
                ) as anns,
                open_client(
                    node, bob.uuid, site, folder, source=PANEL_ADDRESS, site_host=PANEL_ADDRESS
                ) as bobs,
            ):
                await driver.ensure(bob)
                stops, goes_on = await anns.download(), await bobs.download()
                tell("online", {name: sorted(each) for name, each in (await driver.online()).items()})
                tell("a customer is heard by the agent", not await hears_nothing(anns, NODE_ADDRESS, port))
                tell("dropped", await driver.drop("ann"))
                with trio.fail_after(5):
                    await stops.ends()
                tell("refused", await anns.is_refused())
                await goes_on.goes_on()
                tell("users", sorted(await driver.users()))
        tell("running", (await agent.health()).running)


async def strangers(folder: Path, authority: Authority, port: int) -> None:
    """Who else might try."""
    panel = authority.panel()
    other_shop, _ = authority_in(folder / "other", "far")
    assert panel is not None
    for name, identity in {
        "no certificate": None,
        "another shop's": other_shop.panel(),
        "ours": panel,
    }.items():
        tell(name, await answers(ask_as(identity, NODE_ADDRESS, port, "far", panel.authority)))
    try:
        await client_of(other_shop, "far", port, NODE_ADDRESS).health()
    except AgentUnavailable as error:
        tell("another shop's panel", str(error))


def tell(what: str, came_of_it: object) -> None:
    """One line."""
    print(json.dumps([what, came_of_it]), flush=True)  # noqa: T201 - the test reads it


if __name__ == "__main__":
    trio.run(main, Path(sys.argv[1]), int(sys.argv[2]))
