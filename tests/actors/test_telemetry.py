"""One payment can be followed from its update to the message sent; and what the shop does can be read in numbers."""

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
import trio

from actors.metrics_page import open_metrics_page
from runtime import AdjustableClock
from runtime.watchdog import watch_loop
from tests.actors.town import Town, open_town
from tests.e2e.sandbox import Person
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
        seen = await scrape(town)
    assert seen['turnpike_payments_total{outcome="accepted",provider="cryptopay"}'] == 1
    assert log.getvalue().count("payment recorded") == 1
    assert seen['turnpike_messages_total{kind="paid",outcome="sent"}'] == 1
    assert seen['turnpike_writer_commands_total{command="StartPurchase",outcome="answered"}'] == 1
    assert seen["turnpike_writer_batch_seconds_count"] == seen["turnpike_writer_batch_commands_count"] > 3
    assert seen["turnpike_outbox_pending"] == seen["turnpike_inbox_waiting"] == 0
    assert seen["turnpike_database_up"] == 1
    assert seen['turnpike_actor_up{actor="db_writer"}'] == 1


async def scrape(town: Town) -> dict[str, float]:
    """Every value of the page."""
    async with (
        watch_loop() as turns,
        open_metrics_page(town.environment, town.system, turns, AdjustableClock(NOW)) as port,
        httpx.AsyncClient(trust_env=False) as http,
    ):
        answer = await http.get(f"http://127.0.0.1:{port}/metrics")
        assert answer.is_success
        assert answer.headers["content-type"].startswith("text/plain; version=")
        assert (await town.gateway.get("/metrics")).status_code == 404
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}
