"""The peer: the predecessor's design as it is usually written, and the same at its best.

As it is written: asyncio, an asyncpg pool of 15, one transaction for each purchase, a statement for each fact, rows
locked by `FOR UPDATE`. At its best: uvloop, and all of it in one function of the server, one round trip.
"""

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import asyncpg

from bench.selling.machine import cost
from bench.selling.orders import INVITERS, Order, Sold, Terms
from storage.embedded.cluster import SUPERUSER

PRICE = 120
SCHEMA = Path(__file__).with_suffix(".sql")
CONNECTIONS_MIN, CONNECTIONS_MAX = 2, 15

Finalize = Callable[["asyncpg.Pool[asyncpg.Record]", Order], Awaitable[None]]

_ORDERS = """
    INSERT INTO users (id, first_name, number, referrer_id)
        SELECT buyer, 'Buyer', buyer, inviter FROM unnest($1::bigint[], $2::bigint[]) AS o (buyer, inviter)
"""
_INVOICES = """
    INSERT INTO purchases (id, user_id, item, title, price, currency, value, duration, promo_code, status)
        SELECT number, buyer, 'plan:month', '1 month', 120, 'XTR', 15920, '30 days', promo, 'invoiced'
        FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS o (number, buyer, promo)
"""


async def prepare(host: str) -> None:
    """Make the peer's own tables in a database of its own."""
    connection = await asyncpg.connect(host=host, user=SUPERUSER, database="peer")
    await connection.execute(SCHEMA.read_text(encoding="utf-8"))
    await connection.execute(
        "INSERT INTO users (id, first_name, number) SELECT n, 'Inviter', n FROM generate_series(1, $1) AS n",
        INVITERS,
    )
    await connection.execute(
        "INSERT INTO promos (code, percent, per_user) SELECT 'PROMO' || n, 20, 1 FROM generate_series(0, $1 - 1) AS n",
        INVITERS,
    )
    await connection.close()


async def place(host: str, orders: Sequence[Order]) -> None:
    """Put the buyers and their unpaid invoices in."""
    connection = await asyncpg.connect(host=host, user=SUPERUSER, database="peer")
    users = [order.user for order in orders]
    await connection.execute(_ORDERS, users, [order.inviter for order in orders])
    await connection.execute(_INVOICES, [o.number for o in orders], users, [o.promo for o in orders])
    await connection.close()


async def sell(host: str, orders: Sequence[Order], terms: Terms, finalize: Finalize) -> Sold:
    """Finalise orders under these terms."""
    latencies: list[float] = []
    waiting = iter(orders)
    async with asyncpg.create_pool(
        host=host, user=SUPERUSER, database="peer", min_size=CONNECTIONS_MIN, max_size=CONNECTIONS_MAX
    ) as pool:
        with cost(terms.server) as spent:
            ends_at = time.perf_counter() + terms.seconds
            callers = (_call(pool, waiting, ends_at, latencies, finalize) for _ in range(terms.callers))
            await asyncio.gather(*callers)
        return Sold(latencies, spent)


async def _call(
    pool: "asyncpg.Pool[asyncpg.Record]",
    waiting: Iterator[Order],
    ends_at: float,
    latencies: list[float],
    finalize: Finalize,
) -> None:
    for order in waiting:
        asked = time.perf_counter()
        if asked > ends_at:
            return
        await finalize(pool, order)
        latencies.append(time.perf_counter() - asked)
    raise AssertionError("every order is sold: place more")


async def by_function(pool: "asyncpg.Pool[asyncpg.Record]", order: Order) -> None:
    """One call of a function of the server, which is one transaction."""
    payment = await pool.fetchval(
        "SELECT finalize($1, 'stars', $2, $3, $4, $5, $6)",
        order.number,
        f"charge-{order.number}",
        PRICE,
        datetime.now(UTC),
        uuid4(),
        os.urandom(18).hex(),
    )
    assert payment


async def by_statements(pool: "asyncpg.Pool[asyncpg.Record]", order: Order) -> None:
    """One transaction, a statement for each fact."""
    async with pool.acquire() as connection, connection.transaction():
        await _finalize(connection, order, f"charge-{order.number}", datetime.now(UTC))


Connection = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"


async def _finalize(db: Connection, order: Order, charge: str, now: datetime) -> None:
    purchase = await db.fetchrow("SELECT * FROM purchases WHERE id = $1 FOR UPDATE", order.number)
    known = await db.fetchval("SELECT id FROM payments WHERE provider = 'stars' AND charge_id = $1", charge)
    assert known is None
    assert purchase["status"] == "invoiced"
    assert purchase["price"] == PRICE
    buyer = await db.fetchrow("SELECT * FROM users WHERE id = $1 FOR UPDATE", purchase["user_id"])
    payment = await db.fetchval(
        "INSERT INTO payments (provider, charge_id, purchase_id, user_id, amount, currency, created_at) "
        "VALUES ('stars', $1, $2, $3, $4, 'XTR', $5) RETURNING id",
        charge,
        purchase["id"],
        buyer["id"],
        PRICE,
        now,
    )
    await _transfer(db, "stars", "revenue", PRICE, "XTR", "payment", payment, now)
    promo = await db.fetchrow("SELECT * FROM promos WHERE code = $1 FOR UPDATE", purchase["promo_code"])
    uses = await db.fetchval(
        "SELECT count(*) FROM redemptions WHERE code = $1 AND user_id = $2", promo["code"], buyer["id"]
    )
    assert uses < promo["per_user"]
    await db.execute("UPDATE promos SET used = used + 1 WHERE code = $1", promo["code"])
    await db.execute(
        "INSERT INTO redemptions (code, user_id, purchase_id, created_at) VALUES ($1, $2, $3, $4)",
        promo["code"],
        buyer["id"],
        purchase["id"],
        now,
    )
    await db.execute("UPDATE purchases SET status = 'paid', paid_at = $2 WHERE id = $1", purchase["id"], now)
    expires_at = await _extend(db, buyer["id"], payment, purchase["duration"], now)
    share = purchase["value"] * 5 // 100
    own = await _reward(db, payment, buyer["id"], 0, share, now)
    await db.execute(
        "UPDATE users SET balance = balance + $2, paid_purchases = paid_purchases + 1 WHERE id = $1",
        buyer["id"],
        share,
    )
    paid = {"title": purchase["title"], "price": purchase["price"], "expires_at": expires_at.isoformat()}
    await _tell(db, buyer["id"], f"payment:{payment}", "paid", paid, now)
    await _tell(db, buyer["id"], f"reward:{own}", "reward", {"credit": share}, now)
    inviter = await db.fetchrow("SELECT * FROM users WHERE id = $1 FOR UPDATE", buyer["referrer_id"])
    share = purchase["value"] * 10 // 100
    theirs = await _reward(db, payment, inviter["id"], 1, share, now)
    await db.execute("UPDATE users SET balance = balance + $2 WHERE id = $1", inviter["id"], share)
    await _tell(db, inviter["id"], f"reward:{theirs}", "reward", {"credit": share}, now)


async def _extend(db: Connection, user: int, payment: int, duration: object, now: datetime) -> datetime:
    known = await db.fetchrow("SELECT * FROM subscriptions WHERE user_id = $1 FOR UPDATE", user)
    if known is None:
        uuid = uuid4()
        number, expires_at = await db.fetchrow(
            "INSERT INTO subscriptions (user_id, uuid, token, status, expires_at) "
            "VALUES ($1, $2, $3, 'active', $4) RETURNING id, expires_at",
            user,
            uuid,
            os.urandom(18).hex(),
            now + duration,
        )
        await db.execute(
            "INSERT INTO grants (subscription_id, uuid, present, version) VALUES ($1, $2, true, 1)",
            number,
            uuid,
        )
    else:
        number, expires_at = await db.fetchrow(
            "UPDATE subscriptions SET status = 'active', expires_at = $2 WHERE id = $1 RETURNING id, expires_at",
            known["id"],
            max(known["expires_at"], now) + duration,
        )
        await db.execute(
            "UPDATE grants SET present = true, version = version + 1 WHERE subscription_id = $1", number
        )
    await db.execute(
        "INSERT INTO periods (subscription_id, cause, cause_id, ends_at) VALUES ($1, 'payment', $2, $3)",
        number,
        payment,
        expires_at,
    )
    return expires_at


async def _reward(db: Connection, payment: int, user: int, level: int, amount: int, now: datetime) -> int:
    reward = await db.fetchval(
        "INSERT INTO rewards (payment_id, user_id, level, amount, created_at) "
        "VALUES ($1, $2, $3, $4, $5) RETURNING id",
        payment,
        user,
        level,
        amount,
        now,
    )
    await _transfer(db, "referral", str(user), amount, "RUB", "reward", reward, now)
    return reward


async def _transfer(
    db: Connection,
    debit: str,
    credit: str,
    amount: int,
    currency: str,
    cause: str,
    cause_id: int,
    now: datetime,
) -> None:
    await db.execute(
        "INSERT INTO transfers (debit, credit, amount, currency, cause, cause_id, created_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7)",
        debit,
        credit,
        amount,
        currency,
        cause,
        cause_id,
        now,
    )


async def _tell(
    db: Connection, chat: int, key: str, kind: str, body: dict[str, object], now: datetime
) -> None:
    await db.execute(
        "INSERT INTO outbox (chat_id, key, kind, body, state, created_at) VALUES ($1, $2, $3, $4, 'pending', $5)",
        chat,
        key,
        kind,
        json.dumps(body),
        now,
    )
