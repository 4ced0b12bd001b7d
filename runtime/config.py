"""The tree from plain data (what a TOML file holds), checked whole before anything starts.

    [tree]
    strategy = "rest_for_one"
    children = ["core", "workers"]

    [tree.core]
    strategy = "rest_for_one"
    intensity = [20, "60s"]
    children = ["db_writer", "vpn"]

    [actor.db_writer]
    mailbox = 4096
    stop_timeout = "10s"

A child is a group if a table below has its name, else an actor. A mistake is one line: where, what was found, what
was expected, and the nearest thing that would have been right.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import get_args

from .errors import ConfigError
from .names import did_you_mean
from .specs import ActorSpec, Factory, GroupSpec, Intensity, Restart, Strategy

Parser = Callable[[object], object]
"""Turns a value of the file into what the actor gets; raises ValueError("expected …") if it cannot."""

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def duration(value: object) -> float:
    """Seconds from a text such as "500ms", "10s", "5m", "1h", "2d"."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", value) if isinstance(value, str) else None
    if match is None or float(match[1]) == 0:
        raise ValueError('expected a duration with its unit, such as "500ms", "10s", "5m" or "1h"')
    return float(match[1]) * UNITS[match[2]]


def switch(value: object) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise ValueError("expected true or false")
    return value


def count(value: object) -> int:
    """A whole number, at least 1."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError("expected a whole number, at least 1")
    return value


def percent(value: object) -> int:
    """A whole number from a text such as "10%"."""
    match = re.fullmatch(r"(\d{1,3})%", value) if isinstance(value, str) else None
    if match is None or int(match[1]) > 100:
        raise ValueError('expected a share such as "10%"')
    return int(match[1])


def one_of(words: Iterable[str]) -> Callable[[object], str]:
    """A parser for one of some words."""
    known = tuple(words)

    def parse(value: object) -> str:
        if value not in known:
            hint = did_you_mean(value, known) if isinstance(value, str) else ""
            raise ValueError(f"expected one of {', '.join(known)}{hint}")
        return str(value)

    return parse


def intensity(value: object) -> Intensity:
    """Restarts and the period in which they are counted: [20, "60s"]."""
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError('expected a number of restarts and a period, such as [20, "60s"]')
    return Intensity(count(value[0]), duration(value[1]))


def names(value: object) -> tuple[str, ...]:
    """A list of different names."""
    if not isinstance(value, list) or not value or not all(isinstance(name, str) for name in value):
        raise ValueError("expected a list with the names of actors or groups")
    if len(set(value)) < len(value):
        raise ValueError("expected each name once")
    return tuple(value)


WORKER_SETTINGS: Mapping[str, Parser] = MappingProxyType(
    {"period": duration, "budget": duration, "first_after": duration, "switched_on": switch}
)
"""The keys that a `Worker` reads by itself."""

GROUP_KEYS: Mapping[str, Parser] = {
    "strategy": one_of(get_args(Strategy)),
    "intensity": intensity,
    "children": names,
}

ACTOR_KEYS: Mapping[str, Parser] = {
    "restart": one_of(get_args(Restart)),
    "mailbox": count,
    "start_timeout": duration,
    "stop_timeout": duration,
    "handle_timeout": duration,
}


def parse_tree(
    data: Mapping[str, object],
    factories: Mapping[str, Factory],
    settings: Mapping[str, Mapping[str, Parser]] = MappingProxyType({}),
) -> GroupSpec:
    """The tree of actors in `data["tree"]`, with what `data["actor"]` says of each.

    `factories` has an entry for each actor that there may be; `settings` the keys of its own that an actor allows in
    its table, with their parsers. Raises ConfigError.
    """
    actors = table(data.get("actor", {}), "actor")
    for name in actors:
        if name not in factories:
            raise mistake("actor", name, f"expected the name of an actor{did_you_mean(name, factories)}")
    reader = TreeReader(factories, settings, actors)
    if "tree" not in data:
        raise ConfigError('tree: nothing found, expected a table [tree] with children = ["…"]')
    return reader.group(table(data["tree"], "tree"), "tree")


class TreeReader:
    """Reads groups and actors, and remembers where each actor was named."""

    def __init__(
        self,
        factories: Mapping[str, Factory],
        settings: Mapping[str, Mapping[str, Parser]],
        actors: Mapping[str, object],
    ) -> None:
        self._factories = factories
        self._settings = settings
        self._actors = actors
        self._named_at: dict[str, str] = {}

    def group(self, data: Mapping[str, object], path: str) -> GroupSpec:
        """The group whose table is `data`."""
        below = {key: value for key, value in data.items() if isinstance(value, Mapping)}
        own = parsed({key: value for key, value in data.items() if key not in below}, GROUP_KEYS, path)
        own.setdefault("strategy", "one_for_one")
        children = own.pop("children", None)
        if not isinstance(children, tuple):
            raise ConfigError(
                f"{path}.children: nothing found, expected a list with the names of actors or groups"
            )
        for name in below:
            if name not in children:
                raise mistake(
                    path, name, f"expected a group named in {path}.children{did_you_mean(name, children)}"
                )
        specs = [
            self.group(below[name], f"{path}.{name}")
            if name in below
            else self.actor(name, f"{path}.children")
            for name in children
        ]
        return GroupSpec(path.rpartition(".")[2], children=specs, **own)  # type: ignore[arg-type]  # parsed by key

    def actor(self, name: str, path: str) -> ActorSpec:
        """The actor `name`, which the list at `path` names."""
        if name not in self._factories:
            hint = did_you_mean(name, self._factories)
            raise mistake(
                path, name, f"expected the name of an actor, or of a group with a table below{hint}"
            )
        if name in self._named_at:
            raise mistake(
                path, name, f"expected an actor in one place, and it is in {self._named_at[name]} already"
            )
        self._named_at[name] = path
        own_keys = self._settings.get(name, {})
        values = parsed(
            table(self._actors.get(name, {}), f"actor.{name}"), {**ACTOR_KEYS, **own_keys}, f"actor.{name}"
        )
        settings = {key: values.pop(key) for key in tuple(values) if key in own_keys}
        return ActorSpec(name, self._factories[name], settings=settings, **values)  # type: ignore[arg-type]


def parsed(data: Mapping[str, object], parsers: Mapping[str, Parser], path: str) -> dict[str, object]:
    """Every value of a table through the parser of its key."""
    values: dict[str, object] = {}
    for key, value in data.items():
        if key not in parsers:
            raise ConfigError(
                f"{path}.{key}: found an unknown key, expected one of {', '.join(parsers)}{did_you_mean(key, parsers)}"
            )
        try:
            values[key] = parsers[key](value)
        except ValueError as error:
            raise mistake(f"{path}.{key}", value, str(error)) from None
    return values


def table(value: object, path: str) -> Mapping[str, object]:
    """A table, and nothing else."""
    if not isinstance(value, Mapping):
        raise mistake(path, value, f"expected a table [{path}]")
    return value


def mistake(path: str, found: object, expected: str) -> ConfigError:
    """The one line that an operator gets."""
    return ConfigError(f"{path}: found {found!r}, {expected}")
