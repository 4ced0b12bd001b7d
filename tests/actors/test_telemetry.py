"""One payment can be followed from its update to the message sent; and what the shop does can be read in numbers."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import structlog
import trio

from actors.db_writer import DbWriter
from actors.environment import Environment
from actors.messages import Write
from actors.metrics_page import open_metrics_page
from actors.reading import DatabaseAway, Reading
from actors.vpn import Vpn
from domain import commands
from runtime import Actor, AdjustableClock, Context, System
from runtime.watchdog import watch_loop
from tests.actors.access import buy as record_purchase
from tests.actors.systems import environment, running
from tests.actors.town import open_town
from tests.e2e.sandbox import Person
from tests.fixtures import xray
from tests.fixtures.postgres import Database
from tests.storage.shop import NOW
from tests.storage.test_writer import owner_of
from turnpike.logs import processors


@pytest.fixture
def log() -> Iterator[StringIO]:
    """What the shop logs, through the processors that it really has."""
    text, before = StringIO(), structlog.get_config()
    structlog.configure(
        processors=processors(pretty=False),
        logger_factory=structlog.WriteLoggerFactory(text),
        cache_logger_on_first_use=False,
    )
    yield text
    structlog.configure(**before)


def grep(trace: object, log: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines() if f'"{trace}"' in line]


async def buy(person: Person) -> None:
    await person.say("/plans")
    await person.press("1 month")
    await person.press("Stars")
    assert (await person.pay_invoice())["paid"]
    await person.read("Paid: 1 month")


async def test_one_id_finds_all_of_a_purchase_from_the_update_to_the_key_and_nothing_of_another(
    database: Database, tmp_path: Path, log: StringIO
) -> None:
    async with open_town(database, tmp_path) as town:
        alice, bob = town.person(1001), town.person(1002)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(buy, alice)
            nursery.start_soon(buy, bob)
        for subscription in (1, 2):
            await town.connect(subscription)
        for person in (alice, bob):
            await person.read("vless://")
    with owner_of(database) as owner:
        [[alices], [bobs]] = owner.execute("SELECT trace FROM payments ORDER BY user_id").fetchall()
        assert alices != bobs
        update = owner.execute("SELECT chat_id, body FROM updates WHERE trace = %s", [alices]).fetchone()
        assert update is not None
        assert update[0] == 1001
        assert "successful_payment" in str(update[1])
        told = owner.execute("SELECT kind FROM outbox WHERE trace = %s ORDER BY id", [alices]).fetchall()
        assert told == [("paid",), ("access_ready",)]
    story = [(line["actor"], line["event"], line.get("kind")) for line in grep(alices, log)]
    assert story == [
        ("telegram/dispatch", "update", None),
        ("db_writer", "payment recorded", None),
        ("sender", "message sent", "paid"),
        ("sender", "message sent", "access_ready"),
    ]
    assert {line["chat"] for line in grep(alices, log) if "chat" in line} == {1001}
    assert {line["chat"] for line in grep(bobs, log) if "chat" in line} == {1002}


async def test_a_payment_that_is_heard_of_twice_is_counted_and_logged_once(
    database: Database, tmp_path: Path, log: StringIO
) -> None:
    async with open_town(database, tmp_path) as town:
        alice = town.person()
        await alice.say("/plans")
        await alice.press("1 month")
        await alice.press("Crypto Pay")
        url = await alice.press("Pay 199")
        assert url is not None
        await town.pay_crypto(url)
        await alice.read("Paid: 1 month")
        await town.crypto("redeliver", url)
        await alice.say("/help")
        await alice.read("I know these")
        with trio.fail_after(20):  # a message is read before it is settled
            while (seen := await scrape(town.environment, town.system))["turnpike_outbox_pending"]:
                pass
    assert seen['turnpike_payments_total{outcome="accepted",provider="cryptopay"}'] == 1
    assert log.getvalue().count("payment recorded") == 1
    assert seen['turnpike_messages_total{kind="paid",outcome="sent"}'] == 1
    assert seen['turnpike_writer_commands_total{command="StartPurchase",outcome="answered"}'] == 1
    assert seen["turnpike_writer_batch_seconds_count"] == seen["turnpike_writer_batch_commands_count"] > 3
    assert seen["turnpike_inbox_waiting"] == 0
    assert seen["turnpike_database_up"] == 1
    assert seen['turnpike_actor_up{actor="db_writer"}'] == 1


async def scrape(environment: Environment, system: System) -> dict[str, float]:
    """Every value of the page."""
    async with (
        watch_loop() as turns,
        open_metrics_page(environment, system, turns, AdjustableClock(NOW)) as port,
        httpx.AsyncClient(trust_env=False) as http,
    ):
        answer = await http.get(f"http://127.0.0.1:{port}/metrics")
        assert answer.is_success
        assert answer.headers["content-type"].startswith("text/plain; version=")
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


async def test_without_a_database_the_page_still_tells_of_everything_else(
    database: Database, tmp_path: Path
) -> None:
    async with open_town(database, tmp_path) as town:
        await town.person().say("/help")
        await town.person().read("I know these")
        away = replace(town.environment, readers=cast("Reading", _Away()))
        told = 'turnpike_messages_total{kind="help",outcome="sent"}'
        with trio.fail_after(20):  # a message is read before it is counted
            while told not in (seen := await scrape(away, town.system)):
                pass
        assert (await town.gateway.get("/metrics")).status_code == 404, "the public address must not show it"
    assert seen["turnpike_database_up"] == 0
    assert seen[told] == 1
    assert "turnpike_outbox_pending" not in seen


class _Away:
    """Readers of a database that is away."""

    async def fetch(self, *_: object, **__: object) -> list[object]:
        raise DatabaseAway("no answer")


async def test_a_node_that_is_down_is_seen_with_what_it_lacks_and_so_is_its_return(
    database: Database, tmp_path: Path
) -> None:
    node = xray.plain_node(tmp_path)
    up, lacks = (
        f'turnpike_node_up{{node="{node.name}"}}',
        f'turnpike_node_unconfirmed_grants{{node="{node.name}"}}',
    )
    async with environment(database, tmp_path, nodes=[node]) as around:
        actors: dict[str, Callable[[Context], Actor]] = {
            "db_writer": partial(DbWriter, environment=around),
            "vpn": partial(Vpn, environment=around),
        }
        async with running(actors, ["sender"]) as here:
            await record_purchase(here.system.ref("db_writer"), 1)
            down = await scrape(around, here.system)
            async with xray.running(node, tmp_path):
                with trio.fail_after(30):
                    while (back := await scrape(around, here.system))[lacks]:
                        here.clock.move(timedelta(seconds=15))
    assert (down.get(up, 0), down[lacks]) == (0, 1)
    assert back[up] == 1
    assert back[f'turnpike_node_users_total{{change="ensured",node="{node.name}"}}'] >= 1


async def test_what_people_moved_on_a_node_is_told_for_each_direction(
    database: Database, tmp_path: Path
) -> None:
    async with environment(database, tmp_path) as around:
        actors = {"db_writer": partial(DbWriter, environment=around)}
        async with running(actors, ["sender", "vpn"]) as here:
            writer = here.system.ref("db_writer")
            await record_purchase(writer, 1)
            await record_purchase(writer, 2)
            for epoch in ("a run", "the next"):
                readings = commands.Reading(1, 3, 50), commands.Reading(2, 1, 0)
                await writer.call(Write(commands.RecordUsage("home", epoch, readings)))
            seen = await scrape(around, here.system)
    moved = {name: value for name, value in seen.items() if "traffic" in name}
    assert moved == {
        'turnpike_node_traffic_bytes_total{direction="up",node="home"}': 8,
        'turnpike_node_traffic_bytes_total{direction="down",node="home"}': 100,
    }
