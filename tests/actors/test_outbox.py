"""Reading the outbox: in order, in pages, and at a cost that does not grow with what was sent."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from actors import outbox as scans
from actors.outbox import PAGE, Due, OutboxReader
from domain import messages
from domain.entities import Priority
from storage.session import reader_conninfo
from tests.actors.post import Outbox
from tests.actors.systems import environment
from tests.fixtures.postgres import Database
from tests.storage.shop import NOW

FACT = messages.Expired(title="1 month")
NEWS = messages.Announcement(html="News")

_SENT_BEFORE = """
    INSERT INTO outbox (id, chat_id, key, kind, body, created_at, not_before, state, attempts, priority, settled_at)
    SELECT n, n %% 5000, 'old:' || n, 'expired', '{}', %(now)s, %(now)s, 'sent', 1, 0,
        %(now)s::timestamptz - n * interval '1 second'
    FROM generate_series(1, 50000) AS n
"""


async def due(database: Database, folder: Path, priority: Priority) -> list[int]:
    """Every message that may be sent now, page by page."""
    found: list[Due] = []
    async with environment(database, folder) as surroundings:
        reader = OutboxReader(surroundings.readers, "sender")
        while page := await reader.due(priority, NOW, found[-1] if found else None):
            assert len(page) <= PAGE
            found += page
    return [row.id for row in found]


@pytest.mark.requirement("P1", "P2")
async def test_everything_due_is_found_once_in_the_order_of_its_time_however_many_pages_it_takes(
    database: Database, tmp_path: Path
) -> None:
    outbox = Outbox(database)
    moments = [NOW - timedelta(minutes=n // 7) for n in range(2 * PAGE + 50)]
    written = [outbox.write(10_000 + n, FACT, not_before=moment) for n, moment in enumerate(moments)]
    outbox.write(1, FACT, not_before=NOW + timedelta(seconds=1))
    outbox.write(2, NEWS)
    in_order = sorted(written, key=lambda number: (moments[written.index(number)], number))
    assert await due(database, tmp_path, Priority.PROMPT) == in_order


async def test_only_the_first_unsettled_message_of_a_chat_and_priority_is_due(
    database: Database, tmp_path: Path
) -> None:
    outbox = Outbox(database)
    outbox.write(1, FACT, not_before=NOW + timedelta(minutes=10))
    outbox.write(1, FACT)
    outbox.write(2, NEWS, state="sending")
    outbox.write(2, NEWS)
    answer = outbox.write(2, FACT)
    outbox.write(2, FACT)
    broadcast = outbox.write(1, NEWS)
    assert await due(database, tmp_path, Priority.PROMPT) == [answer]
    assert await due(database, tmp_path, Priority.BROADCAST) == [broadcast]


def plan(database: Database, query: str, *parameters: object) -> Iterator[str]:
    with psycopg.connect(reader_conninfo(database.reader), autocommit=True) as reader:
        for (line,) in reader.execute(b"EXPLAIN " + query.encode(), parameters):
            yield str(line).strip()


@pytest.mark.requirement("P1")
def test_no_scan_of_the_sender_reads_what_was_sent(database: Database) -> None:
    outbox = Outbox(database)
    with psycopg.connect(database.owner, autocommit=True) as owner:
        owner.execute(_SENT_BEFORE, {"now": NOW})
    for n in range(50):
        outbox.write(n, FACT, expires_at=NOW)
    with psycopg.connect(database.owner, autocommit=True) as owner:
        owner.execute("ANALYZE")
    plans = {
        "due": list(plan(database, scans._DUE, 0, NOW, NOW - timedelta(days=1), 0, PAGE)),
        "expired": list(plan(database, scans._EXPIRED, NOW, NOW - timedelta(days=1), 0, PAGE)),
        "marked": list(plan(database, scans._MARKED, 0, PAGE)),
        "sent": list(plan(database, scans._SENT, NOW - timedelta(minutes=1), 1800)),
    }
    for name, lines in plans.items():
        assert not [line for line in lines if "Seq Scan on outbox" in line], (name, lines)
