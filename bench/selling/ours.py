"""Our side: the `db_writer` actor in a running system, called as every actor calls it."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import psycopg
import trio

from actors.db_writer import DbWriter
from actors.environment import Environment
from actors.messages import Write
from bench.selling.machine import cost
from bench.selling.orders import INVITERS, Order, Sold, Terms
from domain.commands import FinalizePayment
from domain.entities import PaymentOutcome, Provider
from domain.money import Money
from runtime import Actor, Context, Ref
from tests.actors.systems import environment, running
from tests.fixtures.postgres import Database

LISTENERS = ("vpn", "sender", "auto_renewal")
PAID = Money(120, "XTR")

_INVITERS = """
    INSERT INTO users (id, first_name, created_at, number)
        SELECT n, 'Inviter', now(), n FROM generate_series(1, %(inviters)s) AS n;
    INSERT INTO accounts (id, kind, owner, currency)
        SELECT n, 'balance', n, 'RUB' FROM generate_series(1, %(inviters)s) AS n;
    INSERT INTO promos (code, kind, percent, per_user, first_purchase_only, audience, enabled, taken, honoured,
            created_by, created_at)
        SELECT 'PROMO' || n, 'percent', 20, 1, false, 'everyone', true, 0, 0, 'bench', now()
        FROM generate_series(0, %(inviters)s - 1) AS n;
"""

#: The invoices hold no use of their code, so it is counted when they are paid, as the peer does it.
_ORDERS = """
    WITH ordered AS (
        SELECT * FROM unnest(%(numbers)s::bigint[], %(users)s::bigint[], %(inviters)s::bigint[], %(promos)s::text[])
            AS o (number, buyer, inviter, promo)
    ), people AS (
        INSERT INTO users (id, first_name, created_at, number, referrer_id, referrer_number)
            SELECT buyer, 'Buyer', now(), buyer, inviter, inviter FROM ordered
    )
    INSERT INTO purchases (id, user_id, kind, item, title, provider, price, price_currency, duration_seconds, status,
            created_at, value, value_currency, promo_code)
        SELECT number, buyer, 'plan', 'plan:month', '1 month', 'stars', 120, 'XTR', 2592000, 'lapsed', now(),
            15920, 'RUB', promo FROM ordered
"""


def prepare(database: Database) -> None:
    """Put the inviters and the promo codes into a migrated database."""
    with psycopg.connect(database.owner, autocommit=True, cursor_factory=psycopg.ClientCursor) as owner:
        owner.execute(_INVITERS, {"inviters": INVITERS})


def place(database: Database, orders: Sequence[Order]) -> None:
    """Put the buyers and their unpaid invoices in."""
    numbers, users, inviters, promos = (list(each) for each in zip(*map(_row, orders), strict=True))
    values = {"numbers": numbers, "users": users, "inviters": inviters, "promos": promos}
    with psycopg.connect(database.owner, autocommit=True) as owner:
        owner.execute(_ORDERS, values)


def _row(order: Order) -> tuple[int, int, int, str]:
    return order.number, order.user, order.inviter, order.promo


def sell(database: Database, folder: Path, orders: Sequence[Order], terms: Terms) -> Sold:
    """Finalise orders under these terms."""
    return trio.run(_sell, database, folder, orders, terms)


async def _sell(database: Database, folder: Path, orders: Sequence[Order], terms: Terms) -> Sold:
    latencies: list[float] = []
    waiting = iter(orders)
    async with (
        environment(database, folder) as surroundings,
        running({"db_writer": _writer(surroundings)}, LISTENERS) as here,
    ):
        writer = here.system.ref("db_writer")
        await _finalize(writer, next(waiting))  # opens the shop's own accounts

        async def call() -> None:
            for order in waiting:
                asked = time.perf_counter()
                if asked > ends_at:
                    return
                await _finalize(writer, order)
                latencies.append(time.perf_counter() - asked)
            raise AssertionError("every order is sold: place more")

        with cost(terms.server) as spent:
            ends_at = time.perf_counter() + terms.seconds
            async with trio.open_nursery() as nursery:
                for _ in range(terms.callers):
                    nursery.start_soon(call)
        return Sold(latencies, spent)


def _writer(surroundings: Environment) -> Callable[[Context], Actor]:
    return partial(DbWriter, environment=replace(surroundings, entropy=os.urandom))


async def _finalize(writer: Ref, order: Order) -> None:
    command = FinalizePayment(
        provider=Provider.STARS,
        charge_id=f"charge-{order.number}",
        amount=PAID,
        purchase_id=order.number,
        payer=order.user,
    )
    receipt = await writer.call(Write(command))
    assert receipt.outcome is PaymentOutcome.ACCEPTED
