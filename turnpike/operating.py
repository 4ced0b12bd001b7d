"""Carrying out `turnpike ctl`: ask the running system, and show the answer to people or scripts."""

import getpass
import os
import sys
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Final, NoReturn

import click
import msgspec
import trio

from actors.secrecy import without_tokens
from runtime import ActorStatus, control_client
from runtime.control_client import Refused
from turnpike.control import find_system
from turnpike.node_table import nodes_besides
from turnpike.pictures import PASSAGE_HEAD, passage_lines, status_lines, top_lines
from turnpike.top import run_top

#: The actor that keeps switches.
_KEEPER: Final = "switches"

_DONE: Final[dict[str, Callable[[ActorStatus], str]]] = {
    "restart": lambda actor: f"{actor.name} was restarted and is {actor.state}",
    "reload": lambda actor: f"{actor.name} was reloaded and is {actor.state}",
    "suspend": lambda actor: f"{actor.name} is suspended: messages wait until it is resumed",
    "resume": lambda actor: f"{actor.name} takes messages again ({actor.queued} wait)",
    "switch-on": lambda actor: f"{actor.name} is switched on",
    "switch-off": lambda actor: f"{actor.name} is switched off: it does not tick until it is switched on",
}


def run(command: Callable[..., Awaitable[int]], data: Path | None, *arguments: object) -> NoReturn:
    """Run a command against the system that is meant, and leave with its exit status."""
    try:
        sys.exit(trio.run(_found, command, data, arguments))
    except Refused as error:
        click.echo(f"turnpike: {without_tokens(str(error))}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


async def _found(
    command: Callable[..., Awaitable[int]], data: Path | None, arguments: tuple[object, ...]
) -> int:
    return await command(await find_system(data), *arguments)


async def show_status(path: Path, as_json: bool) -> int:
    """Print the tree."""
    snapshot = await control_client.status(path)
    if as_json:
        _show_json(snapshot)
    else:
        _show([*status_lines(snapshot), *await nodes_besides(path)])
    return 0


async def show_top(path: Path, as_json: bool) -> int:
    """Show the tree in motion: on a terminal until q, in JSON until nobody reads, and once otherwise."""
    if sys.stdout.isatty() and sys.stdin.isatty() and not as_json:
        return await run_top(path)
    async with control_client.top(path) as snapshots:
        async for snapshot in snapshots:
            if snapshot.rates is None:
                continue
            if not as_json:
                _show(top_lines(snapshot))
                return 0
            _show_json(snapshot)
    return 0


async def show_trace(path: Path, as_json: bool, name: str) -> int:
    """Print what passes through an actor until Ctrl-C."""
    async with control_client.trace(path, name) as passages:
        head = [click.style(PASSAGE_HEAD, bold=True)]
        async for passage in passages:
            _show_json(passage) if as_json else _show([*head, *passage_lines(passage)])
            head = []
    click.echo("the system has stopped", err=True)
    return 0


async def show_stacks(path: Path, as_json: bool) -> int:
    """Print where each actor waits."""
    stacks = await control_client.stacks(path)
    if as_json:
        _show_json(stacks)
    for name, stack in () if as_json else stacks.items():
        _show([click.style(name, bold=True), stack])
    return 0


async def give_order(path: Path, as_json: bool, command: str, name: str) -> int:
    """Have an order carried out and say how the actor is then."""
    actor = await control_client.order(path, command, name)
    _show_json(actor) if as_json else _show([_DONE[command](actor)])
    return 0


async def flip_switch(path: Path, as_json: bool, name: str, position: str, reason: str) -> int:
    """Have a switch put; a tree that has nobody to keep it has only those of its workers."""
    tree = (await control_client.status(path)).root
    if not any(actor.name == _KEEPER for actor in tree.actors()):
        return await give_order(path, as_json, f"switch-{position}", name)
    order = {"name": name, "on": position == "on", "by": getpass.getuser(), "reason": reason}
    return await put_question(path, as_json, _KEEPER, msgspec.json.encode(order).decode())


async def put_question(path: Path, as_json: bool, name: str, question: str) -> int:
    """Ask an actor and print what it answers."""
    answer = await control_client.ask(path, name, question)
    _show_json(answer) if as_json else _show([answer])
    return 0


async def reload_everything(path: Path, as_json: bool) -> int:
    """Have everything reloaded; 1 if some of it was not."""
    result = await control_client.reload_all(path)
    if as_json:
        _show_json(result)
    else:
        _show([f"{name} was reloaded" for name in result.reloaded])
        for reason in result.failed.values():
            click.echo(f"turnpike: {without_tokens(reason)}", err=True)
    return 1 if result.failed else 0


def _show(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(without_tokens(line), color=_colours())


def _show_json(value: object) -> None:
    click.echo(without_tokens(msgspec.json.encode(value).decode()))


def _colours() -> bool | None:
    """False if the user wants none, else what the terminal can."""
    return False if os.environ.get("NO_COLOR") else None
