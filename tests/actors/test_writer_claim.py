"""The `db_writer` actor beside another that wants to write, and on a database that is slow."""

from pathlib import Path

import pytest
import trio
import trio.testing

import storage.claim
from actors.messages import Write
from domain.commands import FinalizePayment, Receipt
from domain.entities import PaymentOutcome
from runtime import ActorCrashed, DeadlineExceeded, MailboxFull, Ref
from tests.actors.test_db_writer import cut, finalize, started_purchases
from tests.actors.writing import alert_of, beat_until, books, restarts_of, writer_of, writing
from tests.fixtures.postgres import Database
from tests.storage.shop import open_desk
from tests.storage.test_writer import owner_of


@pytest.mark.requirement("F16")
async def test_a_writer_whose_claim_was_taken_writes_nothing_and_says_so(
    database: Database, tmp_path: Path
) -> None:
    [payment] = await started_purchases(database, 1)
    taken = False

    def step(name: str) -> None:
        nonlocal taken
        if name == "prefetched" and not taken:
            taken = True
            with owner_of(database) as owner:
                owner.execute("UPDATE writer_claim SET epoch = epoch + 1")

    async with writing(database, tmp_path, step=step) as here:
        with pytest.raises(ActorCrashed, match="another turnpike has taken over the database"):
            await writer_of(here).call(Write(payment))
        assert books(database) == (0, 0, 0, 0)
        assert "another turnpike has taken over" in str(alert_of(here))

        assert (await writer_of(here).call(Write(payment))).outcome is PaymentOutcome.ACCEPTED
        await beat_until(here, lambda: alert_of(here) is None)
    assert books(database) == (1, 1, 1, 1)


@pytest.mark.requirement("F16")
async def test_a_writer_that_comes_back_to_a_database_in_other_hands_waits_until_it_is_let_go_of(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage.claim, "_TAKE_OVER_SECONDS", 0.3)
    [payment] = await started_purchases(database, 1)
    async with writing(database, tmp_path) as here:
        await beat_until(here, lambda: restarts_of(here) == 0)
        cut(database)
        async with open_desk(database.writer) as other:
            with pytest.raises(ActorCrashed, match=r"in use by another turnpike \(process \d+ on"):
                await writer_of(here).call(Write(payment))
            assert "in use by another turnpike" in str(alert_of(here))
            assert await other.value("SELECT count(*) FROM payments") == 0

        assert (await writer_of(here).call(Write(payment))).outcome is PaymentOutcome.ACCEPTED
    assert books(database) == (1, 1, 1, 1)


async def test_while_the_database_is_slow_callers_wait_and_what_they_gave_up_is_not_done(
    database: Database, tmp_path: Path
) -> None:
    first, *payments = await started_purchases(database, 41)
    impatient, patient = payments[:20], payments[20:]
    receipts: list[Receipt] = []
    async with writing(database, tmp_path, mailbox=8) as here, trio.open_nursery() as nursery:
        writer = writer_of(here)
        with owner_of(database) as owner:
            owner.execute("BEGIN")
            owner.execute("LOCK TABLE payments IN ACCESS EXCLUSIVE MODE")
            nursery.start_soon(finalize, writer, first, receipts)
            await trio.testing.wait_all_tasks_blocked(0.1)
            async with trio.open_nursery() as leaving:
                for payment in impatient:
                    leaving.start_soon(give_up, writer, payment)
            for payment in patient:
                nursery.start_soon(finalize, writer, payment, receipts)
            await trio.testing.wait_all_tasks_blocked(0.1)
            [status] = [actor for actor in here.system.status().actors() if actor.name == "db_writer"]
            assert 8 <= status.queued < len(patient), "the mailbox is full, and most wait outside"
            assert not receipts
            owner.execute("ROLLBACK")
    assert len(receipts) == 21
    assert books(database) == (21, 21, 21, 21)


async def give_up(writer: Ref, payment: FinalizePayment) -> None:
    with pytest.raises((DeadlineExceeded, MailboxFull)):
        await writer.call(Write(payment), timeout=0.3)
