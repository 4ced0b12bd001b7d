"""The invariants of money and access, broken on purpose with the writer's own rights: the database refuses each."""

import psycopg
import pytest
from psycopg import errors

from domain.commands import GrantTime, SetAutoRenewal
from domain.entities import Provider
from storage.invariants import INVARIANTS
from tests.fixtures.postgres import Database
from tests.storage.shop import ALICE, BOB, Desk, open_desk
from tests.storage.test_writer import paid, top_up

_TRANSFER = (
    "INSERT INTO transfers (id, debit, credit, amount, amount_currency, cause, cause_id, created_at) VALUES"
)
_PAYMENT = """
    INSERT INTO payments (id, provider, charge_id, purchase_id, user_id, amount, amount_currency, outcome, transfer_id,
        created_at) VALUES
"""
_PERIOD = """
    INSERT INTO periods (id, subscription_id, ordinal, cause, cause_id, seconds, ends_at, created_at) VALUES
"""
_SUBSCRIPTION = """
    INSERT INTO subscriptions (id, user_id, uuid, token, status, title, created_at, expires_at, periods)
    VALUES (9, 1002, gen_random_uuid(), repeat('t', 24), 'active', 'free', now(), now() + interval '1 year',
"""

_BROKEN = [
    pytest.param(f"{_TRANSFER} (90, {{balance}}, {{clearing}}, 50001, 'RUB', 'test', 1, now())", errors.CheckViolation,
        id="I3: more taken than is there", marks=pytest.mark.requirement("I3")),
    pytest.param("UPDATE accounts SET debits = credits + 1", errors.InsufficientPrivilege,
        id="I3: a sum written by hand", marks=pytest.mark.requirement("I3")),
    pytest.param("UPDATE subscriptions SET last_auto_renewal_at = expires_at + interval '1 second'",
        errors.CheckViolation, id="I4: renewed after the end", marks=pytest.mark.requirement("I4")),
    pytest.param("UPDATE subscriptions SET last_auto_renewal_at = now(), expires_at = now() - interval '1 day'",
        errors.CheckViolation, id="I4: ended before the renewal", marks=pytest.mark.requirement("I4")),
    pytest.param(f"{_SUBSCRIPTION} 0)", errors.ForeignKeyViolation,
        id="I6: access without any cause", marks=pytest.mark.requirement("I6")),
    pytest.param("UPDATE subscriptions SET periods = periods + 1", errors.ForeignKeyViolation,
        id="I6: an end without its period", marks=pytest.mark.requirement("I6")),
    *[
        pytest.param(f"{_SUBSCRIPTION} 1); {_PERIOD} (90, 9, 1, '{cause}', 999, 31536000, now(), now())",
            errors.ForeignKeyViolation, id=f"I6: a {cause} that is not there", marks=pytest.mark.requirement("I6"))
        for cause in ("payment", "review", "refund", "gift", "promo", "reward", "reward_back", "act", "trial")
    ],
    pytest.param(f"{_PERIOD} (90, 1, 2, 'payment', 1, 31536000, now(), now())", errors.UniqueViolation,
        id="I6: time twice for one payment", marks=pytest.mark.requirement("I6")),
    pytest.param("INSERT INTO acts (id, kind, done_by, reason, created_at) VALUES (9, 'grant', 'olga', '', now())",
        errors.CheckViolation, id="I6: an act without a reason", marks=pytest.mark.requirement("I6")),
    pytest.param("UPDATE periods SET seconds = seconds * 2", errors.InsufficientPrivilege,
        id="I6: a period changed", marks=pytest.mark.requirement("I6")),
    pytest.param(f"{_PAYMENT} (90, 'stars', 'c', NULL, 1, 5, 'XTR', 'unknown_purchase', NULL, now())",
        errors.NotNullViolation, id="I7: a payment without a transfer", marks=pytest.mark.requirement("I7")),
    pytest.param(f"{_PAYMENT} (90, 'stars', 'c', NULL, 1, 5, 'XTR', 'unknown_purchase', 999, now())",
        errors.ForeignKeyViolation, id="I7: a payment whose transfer is not there",
        marks=pytest.mark.requirement("I7")),
    pytest.param(f"{_PAYMENT} (90, 'stars', 'c', NULL, 1, 5, 'XTR', 'unknown_purchase', 1, now())",
        errors.UniqueViolation, id="I7: one transfer for two payments", marks=pytest.mark.requirement("I7")),
    pytest.param(f"{_TRANSFER} (90, {{clearing}}, {{balance}}, 5, 'RUB', 'payment', 1, now())",
        errors.UniqueViolation, id="I7: two transfers for one payment", marks=pytest.mark.requirement("I7")),
    pytest.param(f"{_TRANSFER} (90, {{clearing}}, {{balance}}, 5, 'RUB', NULL, 1, now())", errors.NotNullViolation,
        id="I7: a transfer without a cause", marks=pytest.mark.requirement("I7")),
    pytest.param(f"{_PAYMENT} (90, 'stars', 'charge-1', NULL, 1, 5, 'XTR', 'unknown_purchase', 1, now())",
        errors.UniqueViolation, id="F5: one charge twice", marks=pytest.mark.requirement("F5")),
    pytest.param("UPDATE promos SET taken = max_uses + 1", errors.CheckViolation,
        id="F12: more uses than there are", marks=pytest.mark.requirement("F12")),
    pytest.param("UPDATE promo_uses SET taken = allowed + 1", errors.CheckViolation,
        id="F12: more uses than one person may", marks=pytest.mark.requirement("F12")),
    pytest.param("UPDATE users SET referrer_id = id, referrer_number = number", errors.CheckViolation,
        id="F13: invited by oneself", marks=pytest.mark.requirement("F13")),
    pytest.param("UPDATE users SET referrer_id = 1002, referrer_number = 2 WHERE id = 1001", errors.CheckViolation,
        id="F13: invited by somebody who came later", marks=pytest.mark.requirement("F13")),
]  # fmt: skip


async def open_shop(desk: Desk) -> dict[str, int]:
    """Two people with a paid plan, a top-up, a grant, a promo code; gives the accounts that statements name."""
    plan = await desk.start(Provider.STARS)
    await desk.do(paid(plan.purchase_id))
    await top_up(desk)
    await desk.start(Provider.STARS, person=BOB)
    await desk.do(SetAutoRenewal(await desk.update(), ALICE, True))
    await desk.do(GrantTime(request="1", by="olga", reason="an outage", user_id=ALICE.id, days=1))
    await desk.rows(
        "INSERT INTO promos (code, kind, percent, max_uses, per_user, first_purchase_only, audience, enabled, taken, "
        "honoured, created_by, created_at) "
        "VALUES ('TEN', 'percent', 10, 5, 1, false, 'everyone', true, 0, 0, 'olga', now()) RETURNING code"
    )
    await desk.rows("INSERT INTO promo_uses VALUES ('TEN', 1001, 0, 1) RETURNING code")
    return {
        "balance": await desk.value("SELECT id FROM accounts WHERE kind = 'balance' AND owner = 1001"),
        "clearing": await desk.value("SELECT id FROM accounts WHERE kind = 'cryptopay_clearing'"),
    }


@pytest.mark.parametrize(("statement", "refusal"), _BROKEN)
async def test_what_must_be_true_cannot_be_broken_with_the_writers_rights(
    database: Database, statement: str, refusal: type[psycopg.Error]
) -> None:
    async with open_desk(database.writer) as desk:
        accounts = await open_shop(desk)
    with pytest.raises(refusal):
        commit(database, statement.format(**accounts))
    with psycopg.connect(database.owner, autocommit=True) as owner:
        assert [row for _, _, query in INVARIANTS for row in owner.execute(query, ()).fetchall()] == []


def commit(database: Database, statements: str) -> None:
    """Carry statements out as the writer, in one transaction."""
    with psycopg.connect(database.writer, autocommit=True) as writer, writer.transaction():
        for statement in statements.split(";"):
            writer.execute(statement.encode())
