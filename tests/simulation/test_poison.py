"""What cannot be handled in the post, in or out, is set aside and reported, and whoever comes behind it is served."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
import structlog
from trio.testing import MockClock

from domain.outbox import HANDLING_ATTEMPTS_MAX
from tests.e2e.sandbox import Person
from tests.fixtures.postgres import Database
from tests.simulation.stage import open_stage

START: Final = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)
ALICE, BORIS = 1001, 1002

#: A message of a version that there is not.
_UNREADABLE: Final = """
    INSERT INTO outbox (id, chat_id, key, kind, body, created_at, not_before, state, attempts, priority)
    VALUES (1, %s, 'nobody knows', 'unheard_of', '{"type": "unheard_of"}', %s, %s, 'pending', 0, 0)
"""


@pytest.fixture
def reports() -> Any:
    with structlog.testing.capture_logs() as entries:
        yield entries


@pytest.mark.requirement("W12")
async def test_a_message_that_cannot_be_read_has_failed_and_what_is_behind_it_in_its_chat_is_sent(
    database: Database, tmp_path: Path, mock_clock: MockClock, reports: list[dict[str, Any]]
) -> None:
    async with open_stage(database, tmp_path, mock_clock, START) as stage:
        with psycopg.connect(database.owner) as owner:
            owner.execute(_UNREADABLE.encode(), (ALICE, START, START))
        async with stage.shop():
            await Person(ALICE, stage.telegram).say("/start")
            await stage.clock.sleep_until(START + HOUR)
    with psycopg.connect(database.owner) as owner:
        outcomes = owner.execute("SELECT kind, state, error FROM outbox ORDER BY id").fetchall()
    assert outcomes == [("unheard_of", "failed", "cannot be read: ValidationError"), ("home", "sent", None)]
    [report] = [entry for entry in reports if entry["event"] == "message cannot be read"]
    assert (report["actor"], report["outbox"]) == ("sender", 1)


@pytest.mark.requirement("W12")
async def test_an_update_that_cannot_be_handled_is_parked_and_everybody_else_is_answered(
    database: Database, tmp_path: Path, mock_clock: MockClock, reports: list[dict[str, Any]]
) -> None:
    async with open_stage(database, tmp_path, mock_clock, START) as stage, stage.shop():
        alice, boris = (Person(each, stage.telegram) for each in (ALICE, BORIS))
        with psycopg.connect(database.owner, autocommit=True) as owner:
            owner.execute(
                "CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION 'this row is poisoned'; END $$"
            )
            owner.execute(
                "CREATE TRIGGER poison BEFORE INSERT ON users FOR EACH ROW WHEN (NEW.id = 1002) "
                "EXECUTE FUNCTION poison()"
            )
            await boris.say("/start")
            await boris.say("/help")
            await alice.say("/start")
            await alice.read("Hello")
            await stage.clock.sleep_until(START + (HANDLING_ATTEMPTS_MAX - 1.5) * HOUR)
            owner.execute("DROP TRIGGER poison ON users")
            parked = "SELECT error FROM updates WHERE attempts = %s AND done_at IS NOT NULL"
            await stage.clock.sleep_until(START + 2 * HANDLING_ATTEMPTS_MAX * HOUR)
            assert owner.execute(parked, (HANDLING_ATTEMPTS_MAX,)).fetchall() == [("CommandFailed",)]
        await boris.read("I know these")
    tried = [entry for entry in reports if entry["event"] == "update not handled"]
    assert [entry["actor"] for entry in tried] == ["telegram/dispatch"] * HANDLING_ATTEMPTS_MAX
