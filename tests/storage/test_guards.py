"""What the database itself refuses, whoever asks: the net under the writer's decisions."""

import psycopg
import pytest
from psycopg import errors

from domain.commands import FinalizePayment
from domain.entities import Provider
from storage.claim import ClaimHeld, ClaimLost
from tests.fixtures.postgres import Database
from tests.storage.shop import NOW, open_desk
from tests.storage.test_writer import STARS, owner_of, paid, top_up

_TABLES = [
    "writer_claim",
    "users",
    "accounts",
    "transfers",
    "purchases",
    "payments",
    "subscriptions",
    "grants",
    "provisions",
    "outbox",
    "updates",
    "answers",
]


@pytest.mark.requirement("F15")
@pytest.mark.parametrize("table", _TABLES)
async def test_a_reader_can_read_every_table_and_write_none(database: Database, table: str) -> None:
    with psycopg.connect(database.reader, autocommit=True) as reader:
        reader.execute(f"SELECT count(*) FROM {table}")
        for statement in (
            f"DELETE FROM {table}",
            f"INSERT INTO {table} DEFAULT VALUES",
            f"TRUNCATE {table}",
        ):
            with pytest.raises(errors.InsufficientPrivilege):
                reader.execute(statement)
        with pytest.raises(errors.InsufficientPrivilege):
            reader.execute("SET ROLE turnpike_writer")


@pytest.mark.requirement("F15", "F8")
async def test_not_even_the_writer_can_write_a_sum_or_change_history(database: Database) -> None:
    async with open_desk(database.writer) as desk:
        await top_up(desk)
    with psycopg.connect(database.writer, autocommit=True) as writer:
        for statement in (
            "UPDATE accounts SET credits = credits + 1",
            "UPDATE transfers SET amount = amount + 1",
            "UPDATE payments SET amount = amount + 1",
            "DELETE FROM transfers",
            "DELETE FROM payments",
            "DELETE FROM accounts",
        ):
            with pytest.raises(errors.InsufficientPrivilege):
                writer.execute(statement)
    with owner_of(database) as owner:
        for statement in (
            "UPDATE transfers SET amount = 1",
            "DELETE FROM payments",
            "TRUNCATE transfers CASCADE",
        ):
            with pytest.raises(errors.RestrictViolation):
                owner.execute(statement)


@pytest.mark.requirement("F8", "I3")
async def test_a_balance_below_zero_cannot_be_written(database: Database) -> None:
    async with open_desk(database.writer) as desk:
        await top_up(desk)
        balance = await desk.value("SELECT id FROM accounts WHERE kind = 'balance'")
        clearing = await desk.value("SELECT id FROM accounts WHERE kind = 'cryptopay_clearing'")
    with psycopg.connect(database.writer, autocommit=True) as writer:
        transfer = "INSERT INTO transfers VALUES (%s, %s, %s, %s, 'RUB', 'test', %s, now())"
        with pytest.raises(errors.CheckViolation):
            writer.execute(transfer, (100, balance, clearing, 50001, 1))
        writer.execute(transfer, (101, balance, clearing, 50000, 2))
        assert writer.execute("SELECT credits - debits FROM accounts WHERE kind = 'balance'").fetchone() == (
            0,
        )


@pytest.mark.requirement("F8")
@pytest.mark.parametrize(
    ("values", "refusal"),
    [
        ("(9, 1, 1, 5, 'RUB', 'test', 1, now())", errors.CheckViolation),  # to itself
        ("(9, 1, 2, 0, 'RUB', 'test', 1, now())", errors.CheckViolation),  # nothing
        ("(9, 1, 2, -5, 'RUB', 'test', 1, now())", errors.CheckViolation),  # less than nothing
        ("(9, 1, 999, 5, 'RUB', 'test', 1, now())", errors.ForeignKeyViolation),  # to nobody
        ("(9, 1, 2, 5, 'XTR', 'test', 1, now())", errors.ForeignKeyViolation),  # in another currency
        ("(9, 1, 2, 5, 'RUB', 'payment', 1, now())", errors.UniqueViolation),  # a second time for one cause
    ],
)
async def test_a_transfer_that_does_not_balance_cannot_be_written(
    database: Database, values: str, refusal: type[psycopg.Error]
) -> None:
    async with open_desk(database.writer) as desk:
        await top_up(desk)
        before = await desk.rows("SELECT * FROM accounts ORDER BY id")
        with psycopg.connect(database.writer, autocommit=True) as writer, pytest.raises(refusal):
            writer.execute(f"INSERT INTO transfers VALUES {values}".encode())
        assert await desk.rows("SELECT * FROM accounts ORDER BY id") == before


@pytest.mark.requirement("I1")
async def test_a_subscription_without_a_uuid_cannot_be_written(database: Database) -> None:
    async with open_desk(database.writer) as desk:
        purchase = await desk.start(Provider.STARS)
        await desk.do(paid(purchase.purchase_id))
    with psycopg.connect(database.writer, autocommit=True) as writer:
        with pytest.raises(errors.NotNullViolation):
            writer.execute("UPDATE subscriptions SET uuid = NULL")
        with pytest.raises(errors.NotNullViolation):
            writer.execute("UPDATE grants SET uuid = NULL")


async def test_two_subscriptions_cannot_be_the_same_user_to_xray(database: Database) -> None:
    with owner_of(database) as owner, owner.transaction(force_rollback=True):
        owner.execute(
            "INSERT INTO users (id, first_name, created_at, number) VALUES (1, 'a', now(), 1), (2, 'b', now(), 2)"
        )
        row = """
            INSERT INTO subscriptions (id, user_id, uuid, token, status, title, created_at, expires_at)
            VALUES (%s, %s, %s, %s, 'active', 'x', now(), now())
        """
        owner.execute(row, (1, 1, "11111111-2222-4333-8444-555555555555", "t" * 22))
        with pytest.raises(errors.UniqueViolation):
            owner.execute(row, (2, 2, "11111111-2222-4999-8444-555555555555", "u" * 22))


@pytest.mark.requirement("F16")
async def test_a_second_writer_is_refused_in_one_sentence_while_the_first_one_lives(
    database: Database,
) -> None:
    async with open_desk(database.writer):
        with pytest.raises(ClaimHeld, match=r"in use by another turnpike \(process \d+ on .+\)"):
            async with open_desk(database.writer):
                pass
    async with open_desk(database.writer) as desk:
        assert desk.writer.epoch == 2


@pytest.mark.requirement("F16")
async def test_a_writer_that_was_overtaken_cannot_commit(database: Database) -> None:
    async with open_desk(database.writer) as stale:
        purchase = await stale.start(Provider.STARS)
        await stale.rows("SELECT pg_advisory_unlock_all()")  # as a transaction pooler would lose it
        async with open_desk(database.writer) as fresh:
            with pytest.raises(ClaimLost):
                await stale.writer.execute([paid(purchase.purchase_id)], NOW)

            assert await fresh.value("SELECT count(*) FROM payments") == 0
            receipt = await fresh.do(
                FinalizePayment(
                    provider=Provider.STARS,
                    charge_id="charge-1",
                    amount=STARS,
                    purchase_id=purchase.purchase_id,
                    payer=None,
                )
            )
            assert receipt.payment_id == 1
