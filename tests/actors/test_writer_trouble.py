"""The `db_writer` actor in trouble: lost connections, a database that is away, read-only, slow or taken over."""

from pathlib import Path

import pytest
import trio
import trio.testing

import actors.db_writer
import storage.claim
from actors.messages import NotWritten, Write
from domain.commands import Receipt
from domain.entities import PaymentOutcome
from tests.actors.test_db_writer import allow_connections, cut, finalize, started_purchases
from tests.actors.writing import alert_of, beat_until, books, restarts_of, writer_of, writing
from tests.fixtures.postgres import Database
from tests.storage.test_writer import owner_of
from tests.storage.wire_tap import tapped


@pytest.mark.requirement("D3")
async def test_a_connection_cut_at_any_step_of_a_batch_neither_loses_nor_doubles_a_payment(
    database: Database, tmp_path: Path
) -> None:
    payments = iter(await started_purchases(database, 60))
    steps: list[str] = []
    fatal = -1

    def step(name: str) -> None:
        steps.append(name)
        if len(steps) - 1 == fatal:
            cut(database)

    async with writing(database, tmp_path, step=step) as here:
        for _ in range(2):  # the first of its kind opens accounts; the steps of all later ones are the same
            steps.clear()
            await writer_of(here).call(Write(next(payments)))
        names = list(steps)
        assert {"prefetched", "claim sent", "before commit", "committed"} <= set(names)
        for number in range(len(names)):
            steps.clear()
            fatal = number
            receipt = await writer_of(here).call(Write(next(payments)))
            assert receipt.outcome is PaymentOutcome.ACCEPTED
            assert len(steps) > number + 1 or names[number] == "committed", "it was not cut"
        assert restarts_of(here) == 0
    paid = 2 + len(names)
    assert books(database) == (paid, paid, paid, paid)


@pytest.mark.requirement("D3")
async def test_a_commit_whose_answer_was_lost_is_found_out_and_not_repeated(
    database: Database, tmp_path: Path
) -> None:
    first, second = await started_purchases(database, 2)
    async with (
        tapped(database.writer) as tap,
        writing(database, tmp_path, through=tap.conninfo) as here,
    ):
        await writer_of(here).call(Write(first))
        tap.lose = b"COMMIT"
        receipt = await writer_of(here).call(Write(second))

        assert tap.lost.is_set()
        assert receipt.outcome is PaymentOutcome.ACCEPTED
    assert books(database) == (2, 2, 2, 2)


@pytest.mark.requirement("D3")
async def test_a_server_that_dies_while_it_commits_has_committed_nothing_and_it_is_done_again(
    database: Database, tmp_path: Path
) -> None:
    [payment] = await started_purchases(database, 1)
    with owner_of(database) as owner:
        owner.execute("CREATE TABLE slow_commits (left_over int)")
        owner.execute("INSERT INTO slow_commits VALUES (1)")
        owner.execute(
            "CREATE FUNCTION stay() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN "
            "IF (SELECT left_over FROM slow_commits) > 0 THEN PERFORM pg_sleep(30); END IF; RETURN NULL; END $$"
        )
        owner.execute(
            "CREATE CONSTRAINT TRIGGER stay AFTER INSERT ON payments DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION stay()"
        )
    receipts: list[Receipt] = []
    async with writing(database, tmp_path) as here, trio.open_nursery() as nursery:
        nursery.start_soon(finalize, writer_of(here), payment, receipts)
        await seen(database, _COMMITTING)
        with owner_of(database) as owner:
            owner.execute("UPDATE slow_commits SET left_over = 0")
        assert books(database) == (0, 0, 0, 0)
        cut(database)
    assert [receipt.outcome for receipt in receipts] == [PaymentOutcome.ACCEPTED]
    assert books(database) == (1, 1, 1, 1)


async def seen(database: Database, query: str) -> None:
    """Wait until a query about the server's sessions finds something."""
    with owner_of(database) as owner, trio.fail_after(10):
        while owner.execute(query.encode()).fetchone() is None:
            await trio.sleep(0.01)


_COMMITTING = """
    SELECT 1 FROM pg_stat_activity WHERE query = 'COMMIT' AND state = 'active' AND usename = 'turnpike_writer'
        AND datname = current_database()
"""


async def test_while_the_database_is_away_callers_are_told_so_and_afterwards_all_goes_on_without_a_restart(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actors.db_writer, "PATIENCE_SECONDS", 0.5)
    first, second = await started_purchases(database, 2)
    async with writing(database, tmp_path) as here:
        await writer_of(here).call(Write(first))
        allow_connections(database, False)
        with pytest.raises(NotWritten, match="ask again, with the same key"):
            await writer_of(here).call(Write(second))
        assert alert_of(here) is not None
        allow_connections(database, True)

        assert (await writer_of(here).call(Write(second))).outcome is PaymentOutcome.ACCEPTED
        assert alert_of(here) is None
        assert restarts_of(here) == 0
    assert books(database) == (2, 2, 2, 2)


@pytest.mark.requirement("D3")
async def test_behind_a_link_that_was_cut_callers_are_told_so_and_the_lost_session_is_waited_for(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actors.db_writer, "PATIENCE_SECONDS", 0.5)
    monkeypatch.setattr(storage.claim, "_TAKE_OVER_SECONDS", 0)
    [payment] = await started_purchases(database, 1)
    receipts: list[Receipt] = []
    async with (
        tapped(database.writer) as tap,
        writing(database, tmp_path, through=tap.conninfo) as here,
        trio.open_nursery() as nursery,
    ):
        cleared_away = tap.thaw = trio.Event()
        with pytest.raises(NotWritten):
            await writer_of(here).call(Write(payment))
        assert "does not answer" in str(alert_of(here))

        tap.thaw = None
        monkeypatch.setattr(actors.db_writer, "PATIENCE_SECONDS", 20)
        nursery.start_soon(finalize, writer_of(here), payment, receipts)
        await seen(database, _WAITING_FOR_THE_CLAIM)
        assert not receipts
        cleared_away.set()
        with trio.fail_after(10):
            while not receipts:
                await trio.testing.wait_all_tasks_blocked(0.01)
        assert restarts_of(here) == 0
    assert [receipt.outcome for receipt in receipts] == [PaymentOutcome.ACCEPTED]
    assert books(database) == (1, 1, 1, 1)


_WAITING_FOR_THE_CLAIM = """
    SELECT 1 FROM pg_stat_activity WHERE usename = 'turnpike_writer' AND datname = current_database()
        AND query LIKE '%FROM writer_claim'
"""


async def test_a_read_only_database_is_said_to_be_one_and_written_to_again_once_it_may_be(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actors.db_writer, "PATIENCE_SECONDS", 0.5)
    [payment] = await started_purchases(database, 1)
    async with writing(database, tmp_path) as here:
        role = f'ALTER ROLE turnpike_writer IN DATABASE "{database.name}"'
        with owner_of(database) as owner:
            owner.execute(f"{role} SET default_transaction_read_only = on".encode())
            cut(database)
            with pytest.raises(NotWritten):
                await writer_of(here).call(Write(payment))
            assert str(alert_of(here)).startswith("the database is read-only: let it be written to")
            owner.execute(f"{role} RESET default_transaction_read_only".encode())
        assert (await writer_of(here).call(Write(payment))).outcome is PaymentOutcome.ACCEPTED
        assert alert_of(here) is None
        assert restarts_of(here) == 0


async def test_that_the_database_is_back_is_noticed_while_nobody_asks_for_anything(
    database: Database, tmp_path: Path
) -> None:
    async with writing(database, tmp_path) as here:
        allow_connections(database, False)
        await beat_until(here, lambda: alert_of(here) is not None)
        allow_connections(database, True)
        await beat_until(here, lambda: alert_of(here) is None)
        assert restarts_of(here) == 0
