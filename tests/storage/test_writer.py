"""The writer's unit of work on a real PostgreSQL: one transaction, first answers, blame, the ledger."""

import psycopg
import pytest

from domain.commands import FinalizePayment, PayFromBalance, Receipt
from domain.entities import PaymentOutcome, Provider
from domain.money import Money
from storage.writer import Answered, Failed
from tests.fixtures.postgres import Database
from tests.storage.shop import ALICE, BOB, Desk, open_desk

STARS = Money(150, "XTR")
TOP_UP = Money(50000, "RUB")

_TOUCHED = """
    SELECT count(DISTINCT xmin::text) FROM (
        SELECT xmin FROM payments UNION ALL SELECT xmin FROM transfers UNION ALL SELECT xmin FROM accounts
        UNION ALL SELECT xmin FROM purchases WHERE status = 'paid' UNION ALL SELECT xmin FROM subscriptions
        UNION ALL SELECT xmin FROM grants UNION ALL SELECT xmin FROM answers WHERE key LIKE 'payment:%'
        UNION ALL SELECT xmin FROM outbox WHERE key LIKE 'payment:%'
    ) AS touched
"""


def paid(purchase_id: int | None, charge: str = "charge-1", amount: Money = STARS) -> FinalizePayment:
    return FinalizePayment(
        provider=Provider.STARS, charge_id=charge, amount=amount, purchase_id=purchase_id, payer=ALICE.id
    )


@pytest.mark.requirement("F1")
async def test_a_paid_plan_is_payment_ledger_access_and_message_in_one_transaction(
    database: Database,
) -> None:
    async with open_desk(database.writer) as desk:
        purchase = await desk.start(Provider.STARS)
        receipt = await desk.do(paid(purchase.purchase_id))

        assert receipt.outcome is PaymentOutcome.ACCEPTED
        assert await desk.rows("SELECT status, paid_at IS NOT NULL FROM purchases") == [("paid", True)]
        assert await desk.rows("SELECT outcome, amount, amount_currency FROM payments") == [
            ("accepted", 150, "XTR")
        ]
        assert await desk.rows("SELECT cause, cause_id, amount FROM transfers") == [("payment", 1, 150)]
        assert await desk.rows("SELECT status, (expires_at - created_at)::text FROM subscriptions") == [
            ("active", "30 days")
        ]
        assert await desk.rows("SELECT present, version FROM grants") == [(True, 1)]
        assert await desk.rows("SELECT kind FROM outbox WHERE key = 'payment:1'") == [("paid",)]
        assert await desk.value(_TOUCHED) == 1


@pytest.mark.requirement("F2")
async def test_a_top_up_is_payment_ledger_balance_and_message_in_one_transaction(database: Database) -> None:
    async with open_desk(database.writer) as desk:
        purchase = await desk.start(Provider.CRYPTOPAY, "top_up:500")
        await desk.do(crypto_paid(purchase.purchase_id))

        assert await balance(desk) == 50000
        assert await desk.rows("SELECT outcome, amount, amount_currency FROM payments") == [
            ("accepted", 50000, "RUB")
        ]
        assert await desk.rows("SELECT kind FROM outbox WHERE key LIKE 'payment:%'") == [("topped_up",)]
        assert await desk.value(_TOUCHED) == 1


@pytest.mark.requirement("F1", "F2")
@pytest.mark.parametrize("item", ["plan:month", "top_up:500"])
async def test_if_one_part_of_a_payment_cannot_be_written_nothing_of_it_is(
    database: Database, item: str
) -> None:
    async with open_desk(database.writer) as desk:
        purchase = await desk.start(Provider.CRYPTOPAY, item)
        with owner_of(database) as owner:
            owner.execute(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION 'broken on purpose'; END $$"
            )
            owner.execute("CREATE TRIGGER broken BEFORE INSERT ON outbox EXECUTE FUNCTION refuse()")

        [outcome] = await desk.writer.execute([crypto_paid(purchase.purchase_id, purchase.price)], desk.now)

        assert isinstance(outcome, Failed)
        for table in ("payments", "transfers", "subscriptions", "grants"):
            assert await desk.value(f"SELECT count(*) FROM {table}") == 0
        assert await desk.value("SELECT coalesce(sum(debits) + sum(credits), 0) FROM accounts") == 0
        assert await desk.value("SELECT status FROM purchases") == "invoiced"

        with owner_of(database) as owner:
            owner.execute("DROP TRIGGER broken ON outbox")
        receipt = await desk.do(crypto_paid(purchase.purchase_id, purchase.price))
        assert receipt.outcome is PaymentOutcome.ACCEPTED


@pytest.mark.requirement("F2", "F9")
async def test_a_top_up_in_stars_goes_through_the_exchange_and_each_currency_sums_to_zero(
    database: Database,
) -> None:
    async with open_desk(database.writer) as desk:
        purchase = await desk.start(Provider.STARS, "top_up:500")
        await desk.do(paid(purchase.purchase_id, amount=Money(380, "XTR")))

        assert await balance(desk) == 50000
        assert await desk.rows("SELECT cause, amount, amount_currency FROM transfers ORDER BY id") == [
            ("payment", 380, "XTR"),
            ("payment_exchanged", 50000, "RUB"),
        ]
        assert await desk.rows(
            "SELECT currency, sum(credits - debits)::int FROM accounts GROUP BY currency ORDER BY 1"
        ) == [("RUB", 0), ("XTR", 0)]


@pytest.mark.requirement("F5")
async def test_a_payment_delivered_five_times_in_one_batch_and_after_a_restart_is_one(
    database: Database,
) -> None:
    async with open_desk(database.writer) as desk:
        purchase = await desk.start(Provider.STARS)
        first = [await desk.do(paid(purchase.purchase_id))]
        batch = await desk.writer.execute([paid(purchase.purchase_id)] * 5, desk.now)
    async with open_desk(database.writer) as desk:
        again = await desk.do(paid(purchase.purchase_id))

        assert {each.reply for each in batch if isinstance(each, Answered)} == {again, *first}
        assert await desk.value("SELECT count(*) FROM payments") == 1
        assert await desk.value("SELECT count(*) FROM transfers") == 1
        assert await desk.value("SELECT count(*) FROM outbox WHERE kind = 'paid'") == 1
        assert await desk.value("SELECT (expires_at - created_at)::text FROM subscriptions") == "30 days"


@pytest.mark.requirement("R7")
async def test_a_double_tap_on_pay_from_balance_debits_once(database: Database) -> None:
    async with open_desk(database.writer) as desk:
        await top_up(desk)
        purchase = await desk.start(Provider.BALANCE)
        taps = [PayFromBalance(await desk.update(), ALICE, purchase.purchase_id) for _ in range(2)]
        first, second = await desk.writer.execute(taps, desk.now)

        assert first == Answered(Receipt(2, PaymentOutcome.ACCEPTED))
        assert second == Answered(None)
        assert await balance(desk) == 50000 - 19900
        assert await desk.value("SELECT count(*) FROM outbox WHERE kind = 'already_paid'") == 1


@pytest.mark.requirement("F6")
async def test_too_small_a_balance_changes_nothing_and_says_what_is_missing(database: Database) -> None:
    async with open_desk(database.writer) as desk:
        purchase = await desk.start(Provider.BALANCE)
        refused = await desk.do(PayFromBalance(await desk.update(), ALICE, purchase.purchase_id))
        told = await desk.value("SELECT body->'missing'->>'minor' FROM outbox WHERE kind = 'not_enough'")
        await top_up(desk)
        receipt = await desk.do(PayFromBalance(await desk.update(), ALICE, purchase.purchase_id))

        assert refused is None
        assert told == "19900"
        assert receipt is not None
        assert await balance(desk) == 50000 - 19900


async def test_nobody_pays_with_another_persons_purchase(database: Database) -> None:
    async with open_desk(database.writer) as desk:
        await top_up(desk)
        purchase = await desk.start(Provider.BALANCE)
        assert await desk.do(PayFromBalance(await desk.update(BOB), BOB, purchase.purchase_id)) is None
        assert await balance(desk) == 50000


async def test_a_poisoned_command_fails_alone(database: Database) -> None:
    async with open_desk(database.writer) as desk:
        good = await desk.start(Provider.STARS)
        poison = FinalizePayment(
            provider=Provider.STARS,
            charge_id="nul\0byte",
            amount=STARS,
            purchase_id=None,
            payer=None,
        )
        batch = [paid(None, f"other-{n}") for n in range(3)]
        outcomes = await desk.writer.execute([*batch, poison, paid(good.purchase_id)], desk.now)

        assert [type(each) for each in outcomes] == [Answered, Answered, Answered, Failed, Answered]
        assert await desk.value("SELECT count(*) FROM payments") == 4


def crypto_paid(purchase_id: int, amount: Money = TOP_UP) -> FinalizePayment:
    return FinalizePayment(
        provider=Provider.CRYPTOPAY,
        charge_id=f"invoice-{purchase_id}",
        amount=amount,
        purchase_id=purchase_id,
        payer=ALICE.id,
    )


async def top_up(desk: Desk) -> None:
    purchase = await desk.start(Provider.CRYPTOPAY, "top_up:500")
    await desk.do(crypto_paid(purchase.purchase_id))


async def balance(desk: Desk) -> int:
    value = await desk.value(
        f"SELECT credits - debits FROM accounts WHERE kind = 'balance' AND owner = {ALICE.id}"
    )
    return int(value)


def owner_of(database: Database) -> psycopg.Connection[tuple[object, ...]]:
    """The owner of the schema, who may do what no part of turnpike does while it runs."""
    return psycopg.connect(database.owner, autocommit=True)
