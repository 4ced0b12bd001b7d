"""Time and chance come in through one door each, so that a run can be simulated; what stops the loop does not come in.

The linter finds what blocks right in an asynchronous function; here it is found in the functions that those call, too.
"""

import ast
from collections.abc import Iterator
from typing import Final

import pytest

from tests.tidy.sources import PRODUCT, Source, assert_tidy, modules

_CLOCK: Final = "take the moment as a parameter, or ask the runtime's clock"
_CHANCE: Final = "take the value as a parameter, or ask the runtime's source of chance"
_LOOP: Final = "this one stops the whole process until it is done; take the asynchronous one"
_TRIO: Final = "the whole process runs on Trio"

#: What only a door may use, and what everything else does instead.
DOORS: Final = {
    "asyncio": _TRIO,
    "datetime.date.today": _CLOCK,
    "datetime.datetime.now": _CLOCK,
    "datetime.datetime.today": _CLOCK,
    "datetime.datetime.utcnow": _CLOCK,
    "http.client": _LOOP,
    "httpx.Client": _LOOP,
    "httpx.get": _LOOP,
    "httpx.post": _LOOP,
    "httpx.request": _LOOP,
    "httpx.stream": _LOOP,
    "os.system": _LOOP,
    "os.urandom": _CHANCE,
    "psycopg.Connection": _LOOP,
    "psycopg.connect": _LOOP,
    "random": _CHANCE,
    "requests": _LOOP,
    "secrets": _CHANCE,
    "socket.create_connection": _LOOP,
    "subprocess.call": _LOOP,
    "subprocess.check_call": _LOOP,
    "subprocess.check_output": _LOOP,
    "subprocess.run": _LOOP,
    "time.monotonic": "trio.current_time() is the clock that tests can move",
    "time.sleep": "await trio.sleep(...): this one stops the whole process",
    "time.time": _CLOCK,
    "time.time_ns": _CLOCK,
    "urllib.request": _LOOP,
    "uuid.uuid1": _CHANCE,
    "uuid.uuid4": _CHANCE,
}

#: The doors themselves: file, name, and why it stands there.
OPEN: Final = {
    ("actors/environment.py", "os.urandom"): "hands the actors their entropy",
    (
        "integrations/cryptopay/sandbox/book.py",
        "secrets",
    ): "plays another's server, which no simulated run contains",
    (
        "integrations/telegram/polling.py",
        "random",
    ): "spreads two processes that fight for one token; alone it decides nothing",
    ("integrations/xray/driver.py", "secrets"): "names a run of a node, which no simulated run contains",
    ("runtime/clock.py", "datetime.datetime.now"): "the clock itself",
    ("runtime/system.py", "random"): "makes the one source of chance that the runtime passes on",
    ("storage/driving.py", "time.monotonic"): "measures how long the loop was really held",
    ("storage/readers.py", "time.monotonic"): "runs on worker threads, where Trio has no clock",
    ("turnpike/asking.py", "secrets"): "names an order, so that it can be given again",
    ("turnpike/broadcasting.py", "secrets"): "the same",
    ("turnpike/run.py", "secrets"): "the entry of the program: makes what it passes on",
}


def bindings(tree: ast.Module) -> dict[str, str]:
    """What each imported name stands for: `{"t": "time", "uuid4": "uuid.uuid4"}`."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                names |= {alias.asname: alias.name} if alias.asname else {top: top}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def annotations(tree: ast.Module) -> set[ast.AST]:
    """What stands in annotations: naming the type of a parameter is how a door is passed on."""
    found = [getattr(node, field, None) for node in ast.walk(tree) for field in ("annotation", "returns")]
    return {part for annotation in found if annotation for part in ast.walk(annotation)}


def uses(source: Source) -> Iterator[tuple[ast.AST, str]]:
    """Every use of a door as (place, name), through whatever alias it was imported."""
    names = bindings(source.tree)
    passed_on = annotations(source.tree)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Name | ast.Attribute) and node not in passed_on:
            head, dot, tail = ast.unparse(node).partition(".")
            full = names.get(head, "") + dot + tail
            yield from ((node, door) for door in DOORS if door in (full, full.partition(".")[0]))


def past_the_door(source: Source) -> Iterator[str]:
    """Time, chance, another event loop, or what stops this one, that does not come through a door."""
    for node, door in uses(source):
        if (source.path, door) not in OPEN:
            yield source.at(node, f"{door} is kept behind one door: {DOORS[door]}")


def test_time_and_chance_come_through_their_doors() -> None:
    assert_tidy(past_the_door, modules(*PRODUCT))


def test_no_door_stands_open_for_nobody() -> None:
    used = {(source.path, door) for source in modules(*PRODUCT) for _, door in uses(source)}
    assert set(OPEN) <= used, f"close what nobody uses: {set(OPEN) - used}"


@pytest.mark.parametrize(
    ("text", "door"),
    [
        ("import time\ntime.time()", "time.time "),
        ("import time as t\nt.sleep(1)", "time.sleep "),
        ("from time import monotonic as tick\ntick()", "time.monotonic "),
        ("from datetime import UTC, datetime\ndatetime.now(UTC)", "datetime.datetime.now "),
        ("import datetime as dt\ndt.date.today()", "datetime.date.today "),
        ("import random\nrandom.choice([1])", "random "),
        ("from random import Random\nRandom(1)", "random "),
        ("from secrets import token_hex\nf = token_hex", "secrets "),
        ("from uuid import uuid4\nx = field(default_factory=uuid4)", "uuid.uuid4 "),
        ("import asyncio\nasyncio.run(f())", "asyncio "),
        ("import urllib.request\nurllib.request.urlopen(u)", "urllib.request "),
        ("from urllib import request\nrequest.urlopen(u)", "urllib.request "),
        ("from subprocess import run\nrun(c)", "subprocess.run "),
        ("import httpx\nclass C(httpx.Client): ...", "httpx.Client "),
        ("import requests as r\nr.get(u)", "requests "),
    ],
)
def test_what_goes_past_a_door_is_found(text: str, door: str) -> None:
    findings = list(past_the_door(Source("actors/vpn.py", text)))
    assert findings
    assert all(finding.startswith(f"actors/vpn.py:2: {door}") for finding in findings)


def test_names_that_only_look_like_a_door_are_fine() -> None:
    harmless = (
        "import time, trio\ntime.strftime('%d')\nclock.time()\ntrio.sleep(1)\nclock.datetime.now()\nnow()\n"
        "import random\ndef delay(chance: random.Random) -> random.Random: chance.random()"
    )
    assert not list(past_the_door(Source("actors/vpn.py", harmless)))
