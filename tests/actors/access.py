"""A writer, the `vpn` actor and access workers on real nodes, for tests; and what people do with them."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import UUID

import trio

from actors.db_writer import DbWriter
from actors.messages import Write
from actors.vpn import Vpn
from domain.catalogue import Catalogue
from domain.commands import FinalizePayment, Person, Received, RecordUpdates, StartPurchase, StartTrial
from domain.entities import Provider
from integrations.xray.driver import XrayDriver, open_driver
from integrations.xray.link import share_link
from integrations.xray.node import Node
from integrations.xray.probe import ProbeResult, probe
from runtime import Actor, AdjustableClock, Context, Ref
from storage.flush import no_step
from tests.actors.systems import Running, environment, running
from tests.fixtures import xray
from tests.fixtures.postgres import Database
from tests.storage.shop import CATALOGUE
from tests.storage.test_writer import owner_of

Factory = Callable[..., Actor]
NO_WORKERS: Mapping[str, Factory] = MappingProxyType({})


async def buy(writer: Ref, user_id: int, again: int = 0) -> None:
    """A plan, from the update to the payment; `again` tells one purchase of a user from another."""
    update = user_id + again * 1_000_000
    await writer.call(Write(RecordUpdates((Received(update, user_id, "{}"),))))
    start = StartPurchase(update, Person(user_id, "Somebody"), "plan:month", Provider.STARS)
    started = await writer.call(Write(start))
    assert started is not None
    payment = FinalizePayment(
        provider=Provider.STARS,
        charge_id=f"charge-{update}",
        amount=started.price,
        purchase_id=started.purchase_id,
        payer=user_id,
    )
    await writer.call(Write(payment))


async def until(database: Database, condition: str) -> None:
    """Wait until a condition holds in the database."""
    with owner_of(database) as owner, trio.fail_after(20):
        while owner.execute(f"SELECT {condition}".encode()).fetchone() != (True,):
            await trio.sleep(0.02)


async def try_out(writer: Ref, user_id: int) -> None:
    """A trial."""
    await writer.call(Write(RecordUpdates((Received(user_id, user_id, "{}"),))))
    await writer.call(Write(StartTrial(user_id, Person(user_id, "Somebody"))))


def many_subscriptions(
    database: Database, count: int, ends_at: datetime, within: timedelta = timedelta(0)
) -> None:
    """As many subscriptions, numbered from 1, that are no trials and on no node yet.

    They end one after another, evenly, the last at `ends_at` + `within`.
    """
    given = {"count": count, "ends": ends_at, "within": within}
    with owner_of(database) as owner, owner.transaction():
        for statement in (
            b"""INSERT INTO users (id, first_name, created_at, number)
                SELECT n, 'Somebody', '2026-01-01Z', n FROM generate_series(1, %(count)s) n""",
            b"""INSERT INTO subscriptions (id, user_id, uuid, token, status, title, created_at, expires_at, periods)
                SELECT n, n, lpad(to_hex(n), 32, '0')::uuid, lpad(n::text, 24, '0'), 'active', '1 month',
                    '2026-01-01Z', %(ends)s + n * %(within)s / %(count)s, 1 FROM generate_series(1, %(count)s) n""",
            b"""INSERT INTO acts (id, kind, user_id, done_by, reason, seconds, created_at)
                SELECT n, 'grant', n, 'olga', 'a test', 1, '2026-01-01Z' FROM generate_series(1, %(count)s) n""",
            b"""INSERT INTO periods (id, subscription_id, ordinal, cause, cause_id, seconds, ends_at, created_at)
                SELECT n, n, 1, 'act', n, 1, %(ends)s + n * %(within)s / %(count)s, '2026-01-01Z'
                FROM generate_series(1, %(count)s) n""",
            b"""INSERT INTO grants (subscription_id, uuid, present, version, change, decided_at, ready)
                SELECT id, uuid, true, 1, id, '2026-01-01Z', true FROM subscriptions""",
        ):
            owner.execute(statement, given)


def rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    """What the owner of the database reads."""
    with owner_of(database) as owner:
        return owner.execute(query.encode()).fetchall()


@asynccontextmanager
async def open_access(
    database: Database,
    folder: Path,
    *nodes: Node,
    workers: Mapping[str, Factory] = NO_WORKERS,
    clock: AdjustableClock | None = None,
    catalogue: Catalogue = CATALOGUE,
    step: Callable[[str], None] = no_step,
) -> AsyncIterator[Running]:
    """A writer, the `vpn` actor with these nodes, and these workers."""
    async with environment(database, folder, nodes=nodes, catalogue=catalogue) as quiet:
        surroundings = replace(quiet, step=step)
        actors: dict[str, Callable[[Context], Actor]] = {
            "db_writer": partial(DbWriter, environment=surroundings),
            "vpn": partial(Vpn, environment=surroundings),
            **{name: partial(worker, environment=surroundings) for name, worker in workers.items()},
        }
        async with running(actors, ["sender"], clock=clock) as here:
            yield here


@asynccontextmanager
async def behind_our_back(node: Node) -> AsyncIterator[XrayDriver]:
    """Somebody else who changes users of the node: the lock of the driver goes by the name of the socket."""
    other = node.api_socket.with_name(f"{node.name}.other")
    other.symlink_to(node.api_socket)
    async with open_driver(replace(node, api_socket=other)) as driver:
        yield driver
    other.unlink()


def link_of(database: Database, node: Node, user_id: int) -> str:
    """The key of a user."""
    with owner_of(database) as owner:
        found = owner.execute("SELECT uuid FROM subscriptions WHERE user_id = %s", (user_id,)).fetchone()
    assert found is not None
    return share_link(node, UUID(str(found[0])), "test")


async def passes(link: str) -> bool:
    """Whether a key passes traffic now."""
    async with xray.open_site() as site:
        return isinstance(await probe(link, site, timeout=10), ProbeResult)
