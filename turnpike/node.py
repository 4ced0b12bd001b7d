"""`turnpike node`: the agent of a node on another machine, and `turnpike node enrol`, which lets a machine be one.

the panel's machine                          the node's machine
./run node enrol NAME     prints a text      ./run node      asks for that text, once
"""

import re
import sys
from functools import partial
from pathlib import Path
from typing import Final

import click
import trio

from actors.agents import authority_of
from integrations.xray.agent.authority import BadEnrolment, Identity, accept, accepted
from integrations.xray.agent.server import Agent, CannotListen
from runtime import SystemClock
from storage.embedded.folder import DataFolder, default_data_folder
from turnpike.failure import CannotRun
from turnpike.logs import set_up_logs
from turnpike.run import interruptible, print_step

_HOME: Final = Path(__file__).parents[1]
_NAME: Final = re.compile(r"[a-z0-9_-]{1,32}")


def run_node(host: str, port: int, data: Path | None, *, again: bool) -> int:
    """Serve until told to stop; the exit status. `again` asks for the text although one was given."""
    set_up_logs()
    folder = data or default_data_folder("node", _HOME)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with DataFolder(folder).locked():
        identity = None if again else accepted(folder)
        trio.run(_serve, identity or _ask(folder), folder, host, port)
    return 0


def enrol_node(name: str, config: Path, data: Path | None) -> int:
    """Make a node's certificate and print what its machine needs; the exit status."""
    if not _NAME.fullmatch(name):
        raise CannotRun(f"{name!r} is no name of a node, expected 1 to 32 of a-z 0-9 _ -")
    folder = data or default_data_folder("shop", config.resolve().parent)
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    text = authority_of(folder).enrol(name, SystemClock().now())
    click.echo(
        f"On the machine of node {name!r}, start `./run node` and paste the next line when it asks. It is a secret.\n"
        f'Then say in supervisor.toml, in the entry of {name!r}: api = "agent://ADDRESS:8443"\n',
        err=True,
    )
    click.echo(text)
    return 0


def _ask(folder: Path) -> Identity:
    """Take the text from the terminal without showing it, or from the standard input."""
    question = "Paste what `turnpike node enrol` printed"
    text = click.prompt(question, hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.readline()
    try:
        return accept(text, folder)
    except BadEnrolment as error:
        raise CannotRun(str(error)) from None


async def _serve(identity: Identity, folder: Path, host: str, port: int) -> None:
    async with interruptible(), trio.open_nursery() as nursery:
        try:
            bound = await nursery.start(partial(Agent(identity, folder, print_step).run, host, port))
        except CannotListen as error:
            raise CannotRun(str(error)) from None
        click.echo(
            f"  the agent of {identity.name} listens on {host} port {bound}; Ctrl-C stops it", err=True
        )
