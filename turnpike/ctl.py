"""`turnpike ctl`: what an operator says to a system that runs on this machine.

Tables for people, `--json` for scripts. The exit status is 0 if it was done, 1 if it was refused, 2 if it was not said
right.
"""

from pathlib import Path

import click

from turnpike.options import of_a_system


@click.group()
def ctl() -> None:
    """Look at a running system and give it orders."""


_name = click.argument("name")


@ctl.command()
@of_a_system
def status(data: Path | None, as_json: bool) -> None:
    """The tree: states, mailboxes, restarts, workers, and the last errors."""
    from turnpike import operating

    operating.run(operating.show_status, data, as_json)


@ctl.command()
@of_a_system
def top(data: Path | None, as_json: bool) -> None:
    """The tree in motion, each second; q quits. Not on a terminal, it is shown once."""
    from turnpike import operating

    operating.run(operating.show_top, data, as_json)


@ctl.command()
@_name
@of_a_system
def trace(name: str, data: Path | None, as_json: bool) -> None:
    """The messages that pass through an actor: types and times, never what is in them."""
    from turnpike import operating

    operating.run(operating.show_trace, data, as_json, name)


@ctl.command()
@of_a_system
def stacks(data: Path | None, as_json: bool) -> None:
    """Where the task of each actor waits."""
    from turnpike import operating

    operating.run(operating.show_stacks, data, as_json)


@ctl.command()
@click.argument("node")
@of_a_system
def confirm(node: str, data: Path | None, as_json: bool) -> None:
    """Let the reconciler remove from a node whom the database does not know, however many they are."""
    from turnpike import operating

    operating.run(operating.put_question, data, as_json, "xray_reconciler", node)


@ctl.command()
@_name
@of_a_system
def restart(name: str, data: Path | None, as_json: bool) -> None:
    """Give an actor a new life after the message in hand; what waits in its mailbox is kept."""
    _order("restart", name, data, as_json)


@ctl.command()
@click.argument("name", required=False)
@click.option("--all", "everything", is_flag=True, help="Every actor of the tree, one after another.")
@of_a_system
def reload(name: str | None, everything: bool, data: Path | None, as_json: bool) -> None:
    """Restart an actor with the code that is in its file now; if that does not start, the old goes on."""
    from turnpike import operating

    if (name is None) is not everything:
        raise click.UsageError("say either the name of an actor or --all")
    if name is not None:
        _order("reload", name, data, as_json)
    operating.run(operating.reload_everything, data, as_json)


@ctl.command()
@_name
@of_a_system
def suspend(name: str, data: Path | None, as_json: bool) -> None:
    """Let an actor take no more messages; they wait until it is resumed, even if it restarts."""
    _order("suspend", name, data, as_json)


@ctl.command()
@_name
@of_a_system
def resume(name: str, data: Path | None, as_json: bool) -> None:
    """End a suspension."""
    _order("resume", name, data, as_json)


@ctl.command("kill-switch")
@_name
@click.argument("position", type=click.Choice(["on", "off"]))
@click.option("--reason", default="", help="Why; it is shown as long as it is off.")
@of_a_system
def kill_switch(name: str, position: str, reason: str, data: Path | None, as_json: bool) -> None:
    """Switch a worker or a function (payments, sign_ups, provisioning, broadcasts) on or off, over restarts too.

    Off, a worker does not tick, and a tick that runs ends at its next row.
    """
    from turnpike import operating

    operating.run(operating.flip_switch, data, as_json, name, position, reason)


def _order(command: str, name: str, data: Path | None, as_json: bool) -> None:
    from turnpike import operating

    operating.run(operating.give_order, data, as_json, command, name)
