"""Messages in the database: written with their fact, once for each fact."""

from datetime import timedelta

import psycopg
import pytest

from domain.commands import ExpireSubscriptions, FinalizePayment, RemindSubscriptions
from domain.entities import Provider
from tests.fixtures.postgres import Database
from tests.storage.shop import ALICE, Desk, open_desk
from tests.storage.test_writer import owner_of


async def buy(desk: Desk) -> FinalizePayment:
    started = await desk.start(Provider.STARS)
    return FinalizePayment(
        provider=Provider.STARS,
        charge_id=f"charge-{started.purchase_id}",
        amount=started.price,
        purchase_id=started.purchase_id,
        payer=ALICE.id,
    )


@pytest.mark.requirement("N1")
async def test_a_message_and_its_fact_are_written_by_one_transaction_or_not_at_all(
    database: Database,
) -> None:
    async with open_desk(database.writer) as desk:
        payment = await buy(desk)
        with owner_of(database) as owner:
            owner.execute(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'check_violation'; END $$"
            )
            owner.execute("CREATE TRIGGER broken BEFORE INSERT ON outbox EXECUTE FUNCTION refuse()")
            await desk.writer.execute([payment], desk.now)
            assert await desk.value("SELECT count(*) FROM payments") == 0
            owner.execute("DROP TRIGGER broken ON outbox")
        await desk.do(payment)
        together = "SELECT count(*) FROM outbox JOIN payments ON outbox.xmin::text = payments.xmin::text"
        assert await desk.value(f"{together} WHERE kind = 'paid'") == 1


@pytest.mark.requirement("N2")
async def test_a_period_that_ends_is_told_once_and_the_next_one_anew(database: Database) -> None:
    async with open_desk(database.writer) as desk:
        for periods in (1, 2):
            await desk.do(await buy(desk))
            desk.now += timedelta(days=31)
            for _ in range(2):
                await desk.do(ExpireSubscriptions((1,)))
            assert await desk.value("SELECT count(*) FROM outbox WHERE kind = 'expired'") == periods
        keys = await desk.rows("SELECT key FROM outbox WHERE kind = 'expired'")
        with owner_of(database) as owner, pytest.raises(psycopg.errors.UniqueViolation):
            owner.execute(
                "INSERT INTO outbox (id, chat_id, key, kind, body, created_at, not_before, state, attempts, priority)"
                " SELECT id + 1000, chat_id, key, kind, body, created_at, not_before, 'pending', 0, 0"
                " FROM outbox WHERE key = %s",
                keys[0],
            )


@pytest.mark.requirement("N2")
async def test_a_reminder_that_is_found_due_again_is_one_row_and_the_next_period_has_its_own(
    database: Database,
) -> None:
    async with open_desk(database.writer) as desk:
        for periods in (1, 2):
            await desk.do(await buy(desk))
            ends_at = await desk.value("SELECT expires_at FROM subscriptions")
            for hours in (70, 69):
                desk.now = ends_at - timedelta(hours=hours)
                with owner_of(database) as owner:
                    owner.execute("UPDATE subscriptions SET remind_at = %s", [desk.now])
                assert await desk.do(RemindSubscriptions((1,))) == 1
            assert await desk.value("SELECT count(*) FROM outbox WHERE kind = 'ends_soon'") == periods
