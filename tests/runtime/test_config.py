"""The tree from plain data: what is right is read, what is wrong is one line that says what would be right."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from typing import Any

import pytest

from runtime import WORKER_SETTINGS, Actor, ConfigError, GroupSpec, Intensity, duration, parse_tree

FACTORIES: dict[str, Callable[..., Actor]] = {
    "db_writer": Actor,
    "vpn": Actor,
    "auto_renewal": Actor,
    "sender": Actor,
}
SETTINGS = {"auto_renewal": WORKER_SETTINGS}

GOOD = """
[tree]
strategy = "rest_for_one"
children = ["core", "workers"]

[tree.core]
strategy = "rest_for_one"
intensity = [5, "2m"]
children = ["inner", "vpn"]

[tree.core.inner]
children = ["db_writer"]

[tree.workers]
strategy = "one_for_one"
children = ["auto_renewal"]

[actor.db_writer]
mailbox = 4096
restart = "transient"
start_timeout = "1m"
stop_timeout = "10s"
handle_timeout = "500ms"

[actor.auto_renewal]
period = "10m"
switched_on = false

[telegram]
token_file = "not the tree's business"
"""


def parse(text: str) -> GroupSpec:
    return parse_tree(tomllib.loads(text), FACTORIES, SETTINGS)


def test_a_good_tree_is_read_whole() -> None:
    tree = parse(GOOD)
    assert [actor.name for actor in tree.actors()] == ["db_writer", "vpn", "auto_renewal"]
    core = tree.children[0]
    assert isinstance(core, GroupSpec)
    assert (core.name, core.strategy, core.intensity) == ("core", "rest_for_one", Intensity(5, 120.0))
    db_writer, vpn, auto_renewal = tree.actors()
    assert (db_writer.mailbox, db_writer.restart) == (4096, "transient")
    assert (db_writer.start_timeout, db_writer.stop_timeout, db_writer.handle_timeout) == (60.0, 10.0, 0.5)
    assert (vpn.mailbox, vpn.restart) == (1024, "permanent")
    assert auto_renewal.settings == {"period": 600.0, "switched_on": False}


def replaced(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


@pytest.mark.requirement("O1")
@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            replaced('strategy = "one_for_one"', 'strategy = "one_for_won"'),
            "tree.workers.strategy: found 'one_for_won', expected one of one_for_one, rest_for_one, one_for_all; "
            "did you mean 'one_for_one'?",
        ),
        (
            replaced('"vpn"', '"vpm"'),
            "tree.core.children: found 'vpm', expected the name of an actor, or of a group with a table below; "
            "did you mean 'vpn'?",
        ),
        (
            replaced('["auto_renewal"]', '["auto_renewal", "vpn"]'),
            "tree.workers.children: found 'vpn', expected an actor in one place, and it is in "
            "tree.core.children already",
        ),
        (
            replaced('["auto_renewal"]', "[]"),
            "tree.workers.children: found [], expected a list with the names of actors or groups",
        ),
        (
            replaced('["auto_renewal"]', '["auto_renewal", "auto_renewal"]'),
            "tree.workers.children: found ['auto_renewal', 'auto_renewal'], expected each name once",
        ),
        (
            replaced('children = ["auto_renewal"]', ""),
            "tree.workers.children: nothing found, expected a list with the names of actors or groups",
        ),
        (
            replaced("[tree.workers]", "[tree.worker]"),
            "tree: found 'worker', expected a group named in tree.children; did you mean 'workers'?",
        ),
        (
            replaced('[5, "2m"]', "5"),
            'tree.core.intensity: found 5, expected a number of restarts and a period, such as [20, "60s"]',
        ),
        (
            replaced('[5, "2m"]', '[0, "2m"]'),
            "tree.core.intensity: found [0, '2m'], expected a whole number, at least 1",
        ),
        (
            replaced("mailbox = 4096", "mailbox = true"),
            "actor.db_writer.mailbox: found True, expected a whole number, at least 1",
        ),
        (
            replaced("mailbox = 4096", "mailboks = 4096"),
            "actor.db_writer.mailboks: found an unknown key, expected one of restart, mailbox, start_timeout, "
            "stop_timeout, handle_timeout; did you mean 'mailbox'?",
        ),
        (
            replaced('"10s"', "10"),
            "actor.db_writer.stop_timeout: found 10, expected a duration with its unit, such as "
            '"500ms", "10s", "5m" or "1h"',
        ),
        (
            replaced("switched_on = false", "switched_on = 0"),
            "actor.auto_renewal.switched_on: found 0, expected true or false",
        ),
        (
            replaced("[actor.db_writer]", "[actor.db_wrter]"),
            "actor: found 'db_wrter', expected the name of an actor; did you mean 'db_writer'?",
        ),
        ("[actor]\nvpn = 3\n[tree]\nchildren=['vpn']", "actor.vpn: found 3, expected a table [actor.vpn]"),
        ("actor = 3", "actor: found 3, expected a table [actor]"),
        ("tree = 3", "tree: found 3, expected a table [tree]"),
        ("", 'tree: nothing found, expected a table [tree] with children = ["…"]'),
    ],
)
def test_a_mistake_is_one_line_with_key_finding_and_expectation(text: str, line: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse(text)
    assert str(error.value) == line


@pytest.mark.parametrize(
    ("text", "seconds"), [("500ms", 0.5), ("10s", 10), ("1.5m", 90), ("2h", 7200), ("30d", 30 * 86400)]
)
def test_a_duration_is_told_with_its_unit(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("value", ["10", "s", "-1s", "0s", "1 s", "1w", "", 10, 1.5, True, None, ["1s"]])
def test_anything_else_is_not_a_duration(value: Any) -> None:
    with pytest.raises(ValueError, match="expected a duration"):
        duration(value)
