"""The `db_writer` actor on a real PostgreSQL: batches, blame, lost connections, one writer."""

from datetime import timedelta
from functools import partial
from pathlib import Path

import psycopg
import pytest
import trio
import trio.testing
from psycopg.conninfo import make_conninfo

from actors.db_writer import DbWriter
from actors.messages import CommandFailed, LookAgain, Write
from actors.reading import DatabaseAway
from domain.commands import FinalizePayment, Receipt
from domain.entities import PaymentOutcome, Provider
from domain.money import Money
from runtime import Ref, StartFailed
from tests.actors.systems import environment, running
from tests.fixtures.postgres import Database
from tests.storage.shop import ALICE, open_desk
from tests.storage.test_writer import owner_of

LISTENERS = ("vpn", "sender")


async def started_purchases(database: Database, number: int) -> list[FinalizePayment]:
    """Payments for as many purchases, none of them finalised yet."""
    payments = []
    async with open_desk(database.writer) as desk:
        for _ in range(number):
            purchase = await desk.start(Provider.STARS)
            payments.append(
                FinalizePayment(
                    provider=Provider.STARS,
                    charge_id=f"charge-{purchase.purchase_id}",
                    amount=purchase.price,
                    purchase_id=purchase.purchase_id,
                    payer=ALICE.id,
                )
            )
    return payments


async def finalize(writer: Ref, payment: FinalizePayment, receipts: list[Receipt]) -> None:
    receipts.append(await writer.call(Write(payment)))


async def test_callers_that_wait_together_share_one_commit(database: Database, tmp_path: Path) -> None:
    payments = await started_purchases(database, 50)
    receipts: list[Receipt] = []
    async with (
        environment(database, tmp_path) as surroundings,
        running({"db_writer": partial(DbWriter, environment=surroundings)}, LISTENERS) as here,
    ):
        async with trio.open_nursery() as nursery:
            for payment in payments:
                nursery.start_soon(finalize, here.system.ref("db_writer"), payment, receipts)
        with owner_of(database) as owner:
            [commits] = owner.execute("SELECT count(DISTINCT xmin::text) FROM payments").fetchone() or [0]

        assert len({receipt.payment_id for receipt in receipts}) == 50
        assert 1 <= int(str(commits)) <= 5
        assert ("vpn", LookAgain()) in here.mail.received
        assert ("sender", LookAgain()) in here.mail.received


async def test_a_command_that_fails_is_answered_alone_and_the_writer_goes_on(
    database: Database, tmp_path: Path
) -> None:
    poison = FinalizePayment(
        provider=Provider.STARS, charge_id="\0", amount=Money(1, "XTR"), purchase_id=None, payer=None
    )
    [payment] = await started_purchases(database, 1)
    async with (
        environment(database, tmp_path) as surroundings,
        running({"db_writer": partial(DbWriter, environment=surroundings)}, LISTENERS) as here,
    ):
        writer = here.system.ref("db_writer")
        with pytest.raises(CommandFailed, match="FinalizePayment changed nothing: DataError"):
            await writer.call(Write(poison))
        assert (await writer.call(Write(payment))).outcome is PaymentOutcome.ACCEPTED


@pytest.mark.requirement("F5")
async def test_connections_lost_at_any_moment_neither_lose_nor_double_a_payment(
    database: Database, tmp_path: Path
) -> None:
    payments = await started_purchases(database, 60)
    receipts: list[Receipt] = []
    async with (
        environment(database, tmp_path) as surroundings,
        running({"db_writer": partial(DbWriter, environment=surroundings)}, LISTENERS) as here,
    ):
        writer = here.system.ref("db_writer")
        for start in range(0, 60, 10):
            async with trio.open_nursery() as nursery:
                for payment in payments[start : start + 10]:
                    nursery.start_soon(finalize, writer, payment, receipts)
                await trio.to_thread.run_sync(cut, database)

        assert len(receipts) == 60
        assert all(receipt.outcome is PaymentOutcome.ACCEPTED for receipt in receipts)
        with owner_of(database) as owner:
            assert owner.execute("SELECT count(*), count(DISTINCT purchase_id) FROM payments").fetchone() == (
                60,
                60,
            )
            epochs = owner.execute("SELECT epoch FROM writer_claim").fetchone()
            assert epochs is not None
            assert int(str(epochs[0])) > 2, "no connection was cut: the test proved nothing"


def cut(database: Database) -> None:
    """End the writer's session as a failing server or network would."""
    with psycopg.connect(database.owner, autocommit=True) as owner:
        owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'turnpike_writer' "
            "AND datname = current_database()"
        )


async def test_while_the_database_is_away_callers_wait_and_nobody_is_restarted(
    database: Database, tmp_path: Path
) -> None:
    payments = await started_purchases(database, 5)
    receipts: list[Receipt] = []
    async with (
        environment(database, tmp_path) as surroundings,
        running({"db_writer": partial(DbWriter, environment=surroundings)}, LISTENERS) as here,
    ):
        allow_connections(database, False)
        with pytest.raises(DatabaseAway):
            await surroundings.readers.fetch(Receipt, "SELECT 1", reader="test")
        async with trio.open_nursery() as nursery:
            for payment in payments:
                nursery.start_soon(finalize, here.system.ref("db_writer"), payment, receipts)
            with trio.move_on_after(0.5):
                while not receipts:
                    await trio.testing.wait_all_tasks_blocked(0.05)
            assert not receipts
            allow_connections(database, True)
            with trio.fail_after(20):
                while len(receipts) < 5:
                    await trio.sleep(0.05)
                    here.clock.move(timedelta(seconds=2))

        [writer] = [actor for actor in here.system.status().actors() if actor.name == "db_writer"]
        assert writer.restarts == 0


def allow_connections(database: Database, allowed: bool) -> None:
    """Let the database be away, or have it back."""
    with psycopg.connect(conninfo=make_conninfo(database.owner, dbname="postgres"), autocommit=True) as owner:
        owner.execute(f'ALTER DATABASE "{database.name}" ALLOW_CONNECTIONS {str(allowed).lower()}'.encode())
        owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (database.name,)
        )


@pytest.mark.requirement("F16")
async def test_a_second_system_on_the_same_database_does_not_start(
    database: Database, tmp_path: Path
) -> None:
    async with environment(database, tmp_path) as surroundings:
        actors = {"db_writer": partial(DbWriter, environment=surroundings)}
        async with running(actors, LISTENERS):
            with pytest.RaisesGroup(
                pytest.RaisesExc(StartFailed, match="in use by another turnpike"), flatten_subgroups=True
            ):
                async with running(actors, LISTENERS):
                    pass
