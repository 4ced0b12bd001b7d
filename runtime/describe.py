"""The tree as text, for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from textwrap import indent

from .status import ActorStatus, GroupStatus


def described(group: GroupStatus, stacks: Mapping[str, str] | None = None) -> str:
    """The tree with the state of each actor, one line each, and its stack below where one is given."""
    return "\n".join(_group(group, stacks or {}))


def _group(group: GroupStatus, stacks: Mapping[str, str]) -> Iterator[str]:
    yield f"{group.name} ({group.strategy})"
    for child in group.children:
        lines = _group(child, stacks) if isinstance(child, GroupStatus) else _actor(child, stacks)
        yield from (f"  {line}" for line in lines)


def _actor(actor: ActorStatus, stacks: Mapping[str, str]) -> Iterator[str]:
    yield f"{actor.name}: {', '.join(_facts(actor))}"
    if actor.name in stacks:
        yield from indent(stacks[actor.name].rstrip(), "    ").splitlines()
    for child in actor.children:
        yield from (f"  {line}" for line in _actor(child, stacks))


def _facts(actor: ActorStatus) -> Iterator[str]:
    yield actor.state
    if actor.suspended and actor.state != "suspended":
        yield "to be suspended"
    if actor.worker is not None and not actor.worker.switched_on:
        yield "switched off"
    if actor.message is not None:
        yield f"{actor.message} in hand for {actor.busy_age or 0:.1f} s"
    yield f"{actor.queued} queued" + (
        f", oldest {actor.oldest_age:.1f} s" if actor.oldest_age is not None else ""
    )
    yield f"{actor.handled} handled"
    if actor.restarts:
        yield f"{actor.restarts} restarts, last error {actor.last_error}"
    yield from actor.alerts.values()
