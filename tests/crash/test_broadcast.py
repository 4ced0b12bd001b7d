"""The process is killed again and again amid one broadcast; whoever it is for gets it once (C8, N6)."""

import signal
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.actors.post import Outbox
from tests.crash.test_sending import Town, open_town
from tests.fixtures.postgres import Database

TEXT = "News"
FEW = range(1001, 1008)
MANY = range(2001, 2131)

#: Where to kill, in an order in which each moment still comes: who has been written to is not written to again.
MOMENTS = ("QueueBroadcast: ", "ClaimMessages: ", "announcement ", "SettleMessage: ", "ReportBroadcast: ")

#: So many messages at most a killed process had marked, and are given up.
MARKED_AHEAD = 10


def begin(outbox: Outbox, people: Sequence[int]) -> None:
    """Someone has started a broadcast for these people, who are all that can be reached."""
    outbox.execute(f"UPDATE users SET unreachable_since = CASE WHEN id < {people[0]} THEN created_at END")
    outbox.execute(
        f"""
        INSERT INTO broadcasts (id, state, action, revision, audience, html, buttons, created_by, created_at, panels,
            last_number, since, passed, reach, sent, blocked, failed, unknown, dropped, changed, unchanged, started_at)
        SELECT 1 + (SELECT count(*) FROM broadcasts), 'running', 'send', 0, 'everyone', '{TEXT}', '[]', 'olga', now(),
            0, (SELECT max(number) FROM users WHERE id <= {people[-1]}),
            (SELECT coalesce(max(id), 0) FROM outbox), 0, {len(people)}, 0, 0, 0, 0, 0, 0, 0, now()
        """
    )


def fatal_steps(steps: Sequence[str], every: bool) -> Iterator[str]:
    """The steps at which to kill: of each sort the last one, or all."""
    for moment in MOMENTS:
        names = list(dict.fromkeys(step for step in steps if step.startswith(moment)))
        assert names, f"no step is called {moment}: {sorted(set(steps))}"
        yield from names if every else names[-1:]


async def arrived(town: Town, people: Sequence[int]) -> Counter[int]:
    return Counter({person: (await town.telegram.chat(person)).count(TEXT) for person in people})


@pytest.mark.requirement("C8", "N6", "R6", "W8")
async def test_killed_again_and_again_amid_a_broadcast_it_repeats_nobody_and_comes_to_its_end(
    database: Database, tmp_path: Path, campaign: int
) -> None:
    async with open_town(database, tmp_path, [*FEW, *MANY]) as town:
        begin(town.outbox, FEW)
        steps, ended = await town.send()
        assert ended == 0, steps
        assert await arrived(town, FEW) == Counter(dict.fromkeys(FEW, 1)), "undisturbed"

        begin(town.outbox, MANY)
        fatal = list(fatal_steps(steps, campaign > 1))
        for name in fatal:
            made, ended = await town.send((name, 0))
            assert (ended, made[-1]) == (-signal.SIGKILL, name)
        _, ended = await town.send()
        assert ended == 0

        got = await arrived(town, MANY)
        rows = town.outbox.rows("SELECT chat_id, state FROM outbox WHERE broadcast_id = 2 ORDER BY chat_id")
        [(state, sent, unknown)] = town.outbox.rows(
            "SELECT state, sent, unknown FROM broadcasts WHERE id = 2"
        )
    assert [person for person, _ in rows] == list(MANY), "a message for each, and no second one"
    assert max(got.values()) == 1
    assert all(got[person] == 1 for person, outcome in rows if outcome == "sent")
    assert (state, sent + unknown) == ("done", len(MANY))
    assert unknown <= MARKED_AHEAD * len(fatal) < len(MANY)
