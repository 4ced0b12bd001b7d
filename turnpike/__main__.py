"""`turnpike`: the commands.

Each command imports what it needs when it runs, so that `--help` and small commands start at once.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from turnpike.broadcast import broadcast
from turnpike.ctl import ctl
from turnpike.messages import messages
from turnpike.money import COMMANDS
from turnpike.nodes import nodes
from turnpike.usage import traffic, usage

R = TypeVar("R")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Run a VPN subscription business from one process."""


@main.command()
@click.option("--config", type=click.Path(path_type=Path), default=Path("supervisor.toml"), show_default=True)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Data folder  [default: .turnpike/shop beside the configuration]",
)
def run(config: Path, data: Path | None) -> None:
    """Run the shop of a configuration."""
    from turnpike.run import run_shop

    _until_done(lambda: run_shop(config, data))


@main.command()
@click.option(
    "--port", type=click.IntRange(1024, 65500), default=8400, show_default=True, help="First of five ports."
)
@click.option(
    "--config", type=click.Path(path_type=Path), default=None, help="A shop of your own to try out."
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Data folder  [default: .turnpike/sandbox beside the program]",
)
def sandbox(port: int, config: Path | None, data: Path | None) -> None:
    """Try the whole system on this machine: no Telegram account, no money, real everything else."""
    from turnpike.sandbox import run_sandbox

    _until_done(lambda: run_sandbox(port, config, data))


main.add_command(ctl)
main.add_command(messages)
main.add_command(usage)
main.add_command(traffic)
main.add_command(nodes)
main.add_command(broadcast)
for command in COMMANDS:
    main.add_command(command)


@main.command()
@click.argument("link")
@click.argument("url", default="https://www.cloudflare.com/cdn-cgi/trace")
@click.option("--timeout", type=click.FloatRange(1, 300), default=15, show_default=True, help="Seconds.")
def probe(link: str, url: str, timeout: float) -> None:
    """Fetch URL through a real Xray client with a key's LINK, and say what was seen."""
    from turnpike.probe import run_probe

    _until_done(lambda: run_probe(link, url, timeout))


@main.group(invoke_without_command=True)
@click.option("--listen", default="0.0.0.0", show_default=True, help="Address of this machine for the panel.")
@click.option("--port", type=click.IntRange(0, 65535), default=8443, show_default=True)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Data folder  [default: .turnpike/node beside the program]",
)
@click.option("--again", is_flag=True, help="Ask for the text of `turnpike node enrol` once more.")
@click.pass_context
def node(context: click.Context, listen: str, port: int, data: Path | None, again: bool) -> None:
    """Run the Xray of this machine for a panel on another one."""
    from turnpike.node import run_node

    if context.invoked_subcommand is None:
        _until_done(lambda: run_node(listen, port, data, again=again))


@node.command()
@click.argument("name")
@click.option("--config", type=click.Path(path_type=Path), default=Path("supervisor.toml"), show_default=True)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Data folder of the shop  [default: .turnpike/shop beside the configuration]",
)
def enrol(name: str, config: Path, data: Path | None) -> None:
    """Make the certificates of node NAME; print one line to paste on its machine. What it had before is void."""
    from turnpike.node import enrol_node

    _until_done(lambda: enrol_node(name, config, data))


def _until_done(command: Callable[[], int]) -> None:
    """Run a command; what an operator can act on is one sentence on stderr, never a traceback."""
    from runtime import ConfigError, StartFailed, TreeFailed
    from storage.errors import StorageError
    from turnpike.failure import CannotRun, sentences

    try:
        status = command()
    except KeyboardInterrupt:
        status = 130
    except (ConfigError, StartFailed, TreeFailed, StorageError, CannotRun, BaseExceptionGroup) as error:
        for sentence in sentences(error):
            click.echo(f"turnpike: {sentence}", err=True)
        status = 1
    sys.exit(status)


if __name__ == "__main__":
    main(prog_name="turnpike")
