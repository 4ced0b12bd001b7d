"""What is to run: actors and groups of actors, as plain values. Times are in seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from .errors import ConfigError

if TYPE_CHECKING:
    from .actor import Actor, Context

Restart = Literal["permanent", "transient", "temporary"]
"""permanent: always started again; transient: only after a crash; temporary: never, and its death touches nobody."""

Strategy = Literal["one_for_one", "rest_for_one", "one_for_all"]
"""Who else is restarted when a child fails: nobody, the children after it, or all children of the group."""

Factory = Callable[["Context"], "Actor"]
"""Makes one incarnation; pure, no I/O: what an actor needs it opens in `started`."""


@dataclass(frozen=True, slots=True)
class ActorSpec:
    """One actor."""

    name: str
    factory: Factory
    restart: Restart = "permanent"
    mailbox: int = 1024
    """Messages that may wait; one more caller waits, one more cast is refused."""
    start_timeout: float = 30.0
    stop_timeout: float = 10.0
    """For the message in hand, the queue (if all stops) and `stopping` together; then it is cancelled."""
    handle_timeout: float = 60.0
    """For one message or one batch; then the actor counts as hung: reported with its stack, and restarted."""
    settings: Mapping[str, object] = field(default_factory=dict, hash=False)
    """The actor's own settings; its `context.settings`."""


@dataclass(frozen=True, slots=True)
class Intensity:
    """More than `restarts` within `period` seconds is a failure of the group itself."""

    restarts: int = 20
    period: float = 60.0


@dataclass(frozen=True, slots=True)
class GroupSpec:
    """Actors and groups that are started in this order, stopped in reverse, and restarted by this strategy."""

    name: str
    strategy: Strategy
    children: Sequence[ActorSpec | GroupSpec]
    intensity: Intensity = Intensity()

    def actors(self) -> Iterator[ActorSpec]:
        """Every actor below, in order of start."""
        for child in self.children:
            if isinstance(child, ActorSpec):
                yield child
            else:
                yield from child.actors()


def check_names(root: GroupSpec) -> None:
    """Raise ConfigError if two actors have the same name: it could not be an address."""
    seen: set[str] = set()
    for actor in root.actors():
        if actor.name in seen:
            raise ConfigError(f"two actors are named {actor.name!r}: a name is an address and must be unique")
        seen.add(actor.name)


def changed(old: GroupSpec, new: GroupSpec) -> Iterator[ActorSpec]:
    """The actors of `new` that are specified otherwise than in `old`; factories cannot be compared and are not.

    Raises ConfigError if the two trees do not have the same shape.
    """
    if _shape(old) != _shape(new):
        raise ConfigError(
            "the tree has another shape than the one that runs, which needs a restart of the process"
        )
    for before, after in zip(old.actors(), new.actors(), strict=True):
        if before.mailbox != after.mailbox:
            raise ConfigError(
                f"actor.{after.name}.mailbox: found {after.mailbox}, expected {before.mailbox} as it was: "
                "a mailbox that is in use does not change its size without a restart of the process"
            )
        if replace(before, factory=after.factory) != after:
            yield after


def _shape(group: GroupSpec) -> tuple[object, ...]:
    children = tuple(
        child.name if isinstance(child, ActorSpec) else _shape(child) for child in group.children
    )
    return group.name, group.strategy, group.intensity, children
