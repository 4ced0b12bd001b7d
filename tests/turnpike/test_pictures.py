"""How a system looks in a terminal: what a person must see at a glance, and that everything lines up."""

import re
from datetime import timedelta

import click
import msgspec
import pytest

from runtime import ActorStatus, GroupStatus, WorkerStatus
from runtime.commands import Rates, Snapshot
from runtime.tap import Passage
from tests.runtime.kit import EPOCH
from turnpike.pictures import PASSAGE_HEAD, passage_lines, status_lines, top_lines
from turnpike.top import fitted
from turnpike.words import Cell, cut, distance, duration, number, printable, table

IDLE = ActorStatus(
    name="clerk",
    state="running",
    state_age=5.0,
    suspended=False,
    incarnations=1,
    restarts=0,
    queued=0,
    capacity=16,
    oldest_age=None,
    message=None,
    busy_age=None,
    accepted=0,
    handled=0,
    unanswered=0,
    crashed=0,
    skipped=0,
    expired=0,
    undelivered=0,
    refused=0,
    coalesced=0,
    busy_seconds=0.0,
    queue_seconds=0.0,
    busy_times=(),
    queue_times=(),
    last_error=None,
)
WORKER = WorkerStatus(
    switched_on=True,
    last_run=EPOCH - timedelta(seconds=3),
    last_seconds=0.25,
    next_run=EPOCH + timedelta(minutes=5),
    due=4,
    done=3,
    aside=1,
    alert=None,
)
BUSY = msgspec.structs.replace(IDLE, queued=15, oldest_age=4.0, message="Write", busy_age=12.0)


def snapshot(*actors: ActorStatus, rates: dict[str, Rates] | None = None) -> Snapshot:
    root = GroupStatus("tree", "rest_for_one", (GroupStatus("core", "one_for_one", actors),))
    return Snapshot(pid=7, at=EPOCH, uptime=65, stopping=False, root=root, rates=rates)


def plain(lines: list[str]) -> list[str]:
    return [click.unstyle(line).rstrip() for line in lines]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0.00004, "0.0 ms"),
        (0.0042, "4.2 ms"),
        (0.04, "40 ms"),
        (0.9, "900 ms"),
        (0.9996, "1 s"),
        (3, "3 s"),
        (89, "89 s"),
        (90, "2 min"),
        (2 * 3600, "2 h"),
        (47 * 3600, "47 h"),
        (72 * 3600, "3 d"),
    ],
)
def test_a_duration_is_in_the_unit_that_a_person_would_choose(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def test_a_moment_is_told_by_its_distance() -> None:
    assert distance(EPOCH - timedelta(minutes=5), EPOCH) == "5 min ago"
    assert distance(EPOCH + timedelta(minutes=5), EPOCH) == "in 5 min"
    assert distance(None, EPOCH) == "–"


def test_columns_line_up_whatever_their_colours() -> None:
    lines = table(
        ["who", "count", "why"], [[Cell("a", "red"), number(1), Cell("x")], [Cell("long"), number(100)]]
    )
    assert plain(lines) == ["who   count  why", "a         1  x", "long    100"]
    assert "\x1b[31m" in lines[1]


def test_a_line_is_cut_by_what_is_seen_of_it_and_its_colours_end() -> None:
    line = click.style("running", fg="green") + " well"
    assert click.unstyle(cut(line, 3)) == "run"
    assert cut(line, 3).endswith("\x1b[0m")
    assert cut(line, 100) == line


def test_what_could_steer_the_terminal_is_not_printed() -> None:
    assert printable("an\x1b[2J error\r\nof two lines") == "an [2J error of two lines"


def test_the_tree_shows_states_ages_mailboxes_and_what_is_in_hand() -> None:
    child = msgspec.structs.replace(
        IDLE, name="clerk/child", state="backoff", restarts=3, last_error="Oops:\x1b[2J no"
    )
    lines = plain(status_lines(snapshot(msgspec.structs.replace(BUSY, children=(child,)))))
    assert lines == [
        "process 7, up 65 s",
        "",
        "actor                 state         since  restarts  mailbox  oldest  in hand",
        "tree                  rest_for_one",
        "└─ core               one_for_one",
        "   └─ clerk           running         5 s         0    15/16     4 s  Write for 12 s",
        "      └─ clerk/child  backoff         5 s         3     0/16       –  –",
        "",
        "actor        trouble",
        "clerk/child  last error: Oops: [2J no",
    ]


def test_a_worker_shows_its_switch_its_runs_and_what_it_left_undone() -> None:
    text = "4 rows are due and none was dealt with"
    off = msgspec.structs.replace(WORKER, switched_on=False, alert=text)
    lines = plain(
        status_lines(snapshot(msgspec.structs.replace(IDLE, worker=off, alerts={"nothing was done": text})))
    )
    assert lines[-5:] == [
        "worker  switch  last run    took  next run  due  done  aside",
        "clerk   off      3 s ago  250 ms  in 5 min    4     3      1",
        "",
        "actor  trouble",
        "clerk  4 rows are due and none was dealt with",
    ]


def test_one_who_still_works_on_the_last_message_is_suspending() -> None:
    lines = plain(status_lines(snapshot(msgspec.structs.replace(BUSY, suspended=True))))
    assert "suspending" in lines[-1]


def test_trouble_is_red() -> None:
    crashing = msgspec.structs.replace(BUSY, state="backoff", restarts=2)
    [line] = [line for line in status_lines(snapshot(crashing)) if "clerk" in line]
    assert re.findall(r"\x1b\[31m *([^\x1b ]+)", line) == ["backoff", "2", "15/16"]


def test_top_shows_rates_and_keeps_its_columns_in_place() -> None:
    slow = Rates(handled=3.25, accepted=3.25, busy=0.5, queue_seconds=0.002)
    fast = msgspec.structs.replace(slow, handled=1234.5, busy=1.0, queue_seconds=0.25)
    pictures = [plain(top_lines(snapshot(IDLE, rates={"clerk": rates}))) for rates in (slow, fast)]
    assert pictures[0][0] == "process 7, up 65 s   3 messages/s   00:00:00 UTC"
    assert pictures[0][-1].split() == [
        "└─",
        "clerk",
        "running",
        "3.2",
        "50%",
        "████",
        "0/16",
        "2.0",
        "ms",
        "–",
        "0",
        "–",
    ]
    assert pictures[1][-1].split()[3:6] == ["1234", "100%", "████████"]
    assert pictures[0][2] == pictures[1][2], "the heads"


def test_before_the_first_second_is_over_there_are_no_rates() -> None:
    lines = plain(top_lines(snapshot(IDLE)))
    assert "– messages/s" in lines[0]
    assert lines[-1].split()[3:5] == ["–", "–"]


def test_a_picture_fills_the_screen_and_says_what_it_hides() -> None:
    assert plain(fitted(["a", "b"], 5)) == ["a", "b", "", "", " q  quit"]
    assert plain(fitted(list("abcdef"), 5)) == ["a", "b", "c", "", " q  quit   … 3 more lines"]


def test_a_traced_message_stands_below_its_heads() -> None:
    passage = Passage(
        at=EPOCH,
        message="Write",
        serial=3,
        trace="update-7",
        sender="sender",
        cause=(),
        queue_seconds=0.001,
        handling_seconds=None,
        outcome="skipped: its caller had left",
        lost=2,
    )
    lost, line = passage_lines(passage)
    assert lost == "… 2 messages passed too fast to be shown"
    assert line.startswith("00:00:00.000  Write ")
    for head, value in (("from", "sender"), ("trace", "update-7"), ("outcome", "skipped")):
        assert line.index(value) == PASSAGE_HEAD.index(head)
