"""The writer's unit of work on a real PostgreSQL: one transaction, first answers, isolation, the ledger."""

import psycopg
import pytest

from domain.commands import FinalizePayment, PayFromBalance, Receipt
from domain.entities import PaymentOutcome, Provider
from domain.money import Money
from tests.fixtures.postgres import Database
from tests.storage.shop import ALICE, BOB, open_desk

STARS = Money(150, "XTR")


def paid(purchase_id: int | None, charge: str = "charge-1", amount: Money = STARS) -> FinalizePayment:
    return FinalizePayment(
        provider=Provider.STARS, charge_id=charge, amount=amount, purchase_id=purchase_id, payer=ALICE.id
    )


@pytest.mark.requirement("F1")
async def test_a_paid_plan_is_payment_ledger_subscription_grant_and_message_at_once(database: Database) -> None:
    async with open_desk(database.writer) as desk:
        purchase = await desk.start(Provider.STARS)
        before = await desk.value("SELECT pg_current_xact_id_if_assigned() IS NULL")
        receipt = await desk.do(paid(purchase.purchase_id))

        assert before
        assert receipt.outcome is PaymentOutcome.ACCEPTED
        assert await desk.rows("SELECT status, paid_at IS NOT NULL FROM purchases") == [("paid", True)]
        assert await desk.rows("SELECT outcome, amount, amount_currency FROM payments") == [("accepted", 150, "XTR")]
        assert await desk.rows("SELECT cause, cause_id, amount FROM transfers") == [("payment", 1, 150)]
        assert await desk.rows("SELECT status, expires_at - created_at FROM subscriptions") == [
            ("active", await desk.value("SELECT interval '30 days'"))
        ]
        assert await desk.rows("SELECT present, version FROM grants") == [(True, 1)]
        assert await desk.rows("SELECT kind FROM outbox WHERE key = 'payment:1'") == [("paid",)]
        transactions = await desk.value(
            """SELECT count(DISTINCT xmin::text) FROM (SELECT xmin FROM payments UNION ALL SELECT xmin FROM transfers
            UNION ALL SELECT xmin FROM subscriptions UNION ALL SELECT xmin FROM grants UNION ALL SELECT xmin FROM
            purchases UNION ALL SELECT xmin FROM outbox WHERE key = 'payment:1') AS touched"""
        )
        assert transactions == 1


async def test_smoke_of_balance(database: Database) -> None:
    async with open_desk(database.writer) as desk:
        top_up = await desk.start(Provider.STARS, "top_up:500")
        await desk.do(paid(top_up.purchase_id, amount=Money(380, "XTR")))
        started = await desk.start(Provider.BALANCE)
        receipt = await desk.do(PayFromBalance(await desk.update(), ALICE, started.purchase_id))
        assert receipt == Receipt(2, PaymentOutcome.ACCEPTED)
        assert await desk.value("SELECT credits - debits FROM accounts WHERE kind = 'balance'") == 50000 - 19900
