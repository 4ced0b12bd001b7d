"""Every periodic scan: in keyset pages (P1), whose cursor skips and repeats nothing (P2), in the memory of a page (P3).

The statements are all that actors hold, and the scans whatever the workers of the tree read while they work.
"""

import ast
import gc
import logging
import re
import sys
import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
import structlog

from runtime import timers
from tests.actors.scanning import SCANNERS, Read, scan, scan_outbox
from tests.actors.statements import statements
from tests.fixtures.postgres import Database
from tests.storage.population import populate
from tests.tidy.sources import Source, assert_tidy, modules

#: What is read without a cursor or a number of rows, and what bounds it.
NO_SCANS: Final = {
    "announcing AIM": "one row",
    "audience PAGE": "a page of people by their number, in a query of its own within this one",
    "audience REACH": "one row",
    "books STATEMENT": "the first lines of one person's",
    "correspondence ADDRESSEE": "one row",
    "daily_report COUNTS": "one row",
    "daily_report REFUNDED": "a row for each currency",
    "daily_report REVENUE": "a row for each currency",
    "desk CHARGE": "one row",
    "dispatch WAITING": "the first of a chat; what is done is not waiting any more",
    "metrics_page UNCONFIRMED": "a count for each node",
    "metrics_page WAITING": "one row",
    "money_notices NEWEST_PAYMENT": "one row",
    "money_notices NEWEST_REFUND": "one row",
    "notices MARK": "one row",
    "node_report WANTED": "one row",
    "outcomes AGAIN": "those that are asked for",
    "subscriptions HOLDER": "one row",
    "telegram ORDER": "one row",
    "traffic NODES": "a row for each node",
    "traffic USER": "one row",
    "vpn.node NEWEST": "one row",
    "vpn.node WANTED_CREDENTIALS": "those that are asked for",
    "vpn.node WISHES": "those that are asked for",
}

_END: Final = re.compile(r"ORDER BY (?P<columns>[\w., ]+?)(?: DESC)? LIMIT %s\s*")


def is_keyset_page(sql: str) -> bool:
    """Whether a statement gives a page of its order, from a cursor in that order on."""
    end = _END.search(sql)
    if end is None or end.end() != len(sql) or re.search(r"\bOFFSET\b", sql, re.IGNORECASE):
        return False
    columns = re.escape(end["columns"])
    cursor = rf"\({columns}\) > \(%s(, %s)*\)" if "," in columns else rf"(?<![\w.]){columns} [<>] %s(?!\w)"
    return re.search(cursor, sql) is not None


def says_how_many(sql: str) -> bool:
    """Whether a statement ends with the number of rows that it gives at most."""
    return re.search(r"LIMIT \d{1,4}\s*$", sql) is not None


@pytest.mark.requirement("P1")
@pytest.mark.parametrize("name", sorted(statements().values()))
def test_a_statement_is_a_keyset_page_or_bounded_by_what_it_asks_for(name: str) -> None:
    [sql] = [sql for sql, each in statements().items() if each == name]
    assert (is_keyset_page(sql) or says_how_many(sql)) != (name in NO_SCANS), sql


def test_every_exception_is_still_there() -> None:
    assert NO_SCANS.keys() <= set(statements().values())


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id FROM users WHERE id > %s ORDER BY id",
        "SELECT id FROM users WHERE id > %s LIMIT %s",
        "SELECT id FROM users ORDER BY id LIMIT %s",
        "SELECT id FROM users WHERE id > 7 ORDER BY id LIMIT %s",
        "SELECT id FROM users WHERE id > %s ORDER BY name LIMIT %s",
        "SELECT id FROM users WHERE id > %s ORDER BY name, id LIMIT %s",
        "SELECT id FROM users WHERE name >= %s AND id > %s ORDER BY name, id LIMIT %s",
        "SELECT id FROM users WHERE id > %s ORDER BY id LIMIT %s OFFSET %s",
    ],
)
def test_what_is_no_keyset_page_is_found(sql: str) -> None:
    assert not is_keyset_page(sql)
    assert is_keyset_page("SELECT id FROM u WHERE (name, u.id) > (%s, %s) ORDER BY name, u.id LIMIT %s")


#: Where a read may be of something else.
_NOT_CHECKED: Final = {
    "actors/reading.py": "it passes on what it is given",
    "actors/books.py": "it asks the invariants",
}


def reads_with_something_else(source: Source) -> Iterator[str]:
    """A read whose statement is no constant of a module, so that nobody would check it."""
    for call in (node for node in ast.walk(source.tree) if isinstance(node, ast.Call)):
        if not isinstance(call.func, ast.Attribute) or call.func.attr not in ("fetch", "fetch_one"):
            continue
        sql = call.args[1] if len(call.args) > 1 else call
        if source.path not in _NOT_CHECKED and not (isinstance(sql, ast.Name) and sql.id.isupper()):
            yield source.at(call, "put the statement into a constant of its module, where tests find it")


@pytest.mark.requirement("P1")
def test_every_read_of_an_actor_is_a_statement_that_is_checked() -> None:
    assert_tidy(reads_with_something_else, modules("actors"))


def test_a_statement_that_is_made_on_the_spot_is_found() -> None:
    for text in ('await readers.fetch(Row, "SELECT " + name)', "await readers.fetch_one(Row, sql)"):
        source = Source("actors/a.py", f"async def read():\n    {text}")
        assert len(list(reads_with_something_else(source))) == 1


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> int:
    """Pages of all workers are of this size."""
    for name, module in list(sys.modules.items()):
        for constant in ("_PAGE", "_READ_PAGE", "_HEAL_PAGE", "PAGE"):
            if name.startswith("actors.") and isinstance(getattr(module, constant, None), int):
                monkeypatch.setattr(module, constant, 25)
    return 25


@pytest.fixture
def quiet() -> Iterator[None]:
    """Nothing is logged."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


async def passes(worker: str, database: Database, folder: Path, hear: Any, people: int, count: int) -> None:
    """Have a worker pass over everything so many times; `sender` stands for its scans of the outbox."""
    if worker != "sender":
        await scan(worker, database, folder, hear, people=people, passes=count)
        return
    for _ in range(count):
        await scan_outbox(database, folder, hear)


@dataclass(slots=True)
class Run:
    """The pages of one statement from the beginning to the empty one."""

    expected: set[Any]
    after_the_change: bool
    keys: list[Any] = field(default_factory=list)


@dataclass(slots=True)
class Watch:
    """Hears the reads of keyset pages; `change` is made once, when the first page has been read."""

    database: Database
    change: Any
    changed: bool = False
    runs: dict[str, list[Run]] = field(default_factory=dict)
    open: dict[str, Run] = field(default_factory=dict)

    def hear(self, read: Read) -> None:
        name = statements()[read.sql]
        if not is_keyset_page(read.sql):
            return
        if (run := self.open.get(name)) is None:
            run = self.open[name] = Run(self.everything(read), self.changed)
            self.runs.setdefault(name, []).append(run)
        run.keys += [getattr(row, fields(row)[0].name) for row in read.rows]  # type: ignore[arg-type]
        if not read.rows:
            del self.open[name]
        elif not self.changed:
            self.changed = True
            self.change()

    def everything(self, read: Read) -> set[Any]:
        """What the statement gives from here on, without pages."""
        assert isinstance(read.parameters, Sequence), "the last one is how many rows make a page"
        with psycopg.connect(self.database.owner) as owner:
            rows = owner.execute(read.sql, [*read.parameters[:-1], 1_000_000]).fetchall()
        return {row[0] for row in rows}


#: Who reads no keyset pages of ours: what they go through is a provider's, or a node's.
_ELSEWHERE: Final = {"payment_sweep", "usage"}


@pytest.mark.requirement("P2")
@pytest.mark.parametrize("worker", sorted({*SCANNERS, "sender"} - _ELSEWHERE))
async def test_a_pass_reads_every_row_once_and_the_next_one_what_came_meanwhile(
    worker: str, database: Database, tmp_path: Path, page: int, quiet: None
) -> None:
    people = 8 * page
    populate(database, people, due=True)
    watch = Watch(database, lambda: populate(database, page, first=people + 1, due=True))
    await passes(worker, database, tmp_path, watch.hear, people, 2)
    assert watch.changed
    assert watch.open == {}, "a pass goes on until there is nothing more"
    for name, runs in watch.runs.items():
        assert runs[-1].after_the_change, name
        for run in runs:
            assert len(run.keys) == len(set(run.keys)), (name, "read twice in a pass")
            assert run.expected <= set(run.keys), (name, "skipped in a pass")


#: Bytes that a pass may hold at its end beyond those at its beginning, and for each row: less than a number takes that
#: is remembered.
_SLACK: Final = 24_576
_SLACK_FOR_A_ROW: Final = 24


@pytest.mark.requirement("P1", "P3")
@pytest.mark.parametrize("worker", sorted({*SCANNERS, "sender"} - {"usage"}))
async def test_no_page_is_larger_than_a_page_and_nothing_is_kept_of_it(
    worker: str, database: Database, tmp_path: Path, page: int, quiet: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timers, "SWEEP_FROM", 16)  # a few hundred deadlines that were met are kept otherwise
    people = 36 * page
    populate(database, people, due=worker != "xray_reconciler")
    sizes: list[int] = []
    #: Of each statement: the rows that were read by then, and the bytes that were held.
    held: dict[str, list[tuple[int, int]]] = {}

    def hear(read: Read) -> None:
        sizes.append(len(read.rows))
        if len(sizes) % 4 == 0:
            gc.collect()
            by_now = sum(sizes), tracemalloc.get_traced_memory()[0]
            held.setdefault(read.sql, []).append(by_now)

    tracemalloc.start()
    try:
        await passes(worker, database, tmp_path, hear, people, 1)
    finally:
        tracemalloc.stop()
    assert max(sizes) == page
    assert max(len(each) for each in held.values()) > 1
    for sql, each in held.items():
        (rows_before, before), (rows, now) = each[0], each[-1]
        assert now - before < _SLACK + _SLACK_FOR_A_ROW * (rows - rows_before), (statements()[sql], each)
