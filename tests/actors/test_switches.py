"""Kill switches on the real writer: kept over restarts, obeyed at once, shown, and caught up with afterwards."""

from pathlib import Path

import msgspec
import pytest

from actors.invoice_lapse import InvoiceLapse
from actors.switches import Switches
from domain.entities import Function
from runtime import Ask, Declined, System
from runtime.alerts import SWITCHED_OFF
from tests.actors.access import buy, open_access, rows, until
from tests.actors.town import ADMIN, open_town
from tests.fixtures import xray
from tests.fixtures.botapi_spec import BotApiSpec
from tests.fixtures.postgres import Database

WORKERS = {"switches": Switches, "invoice_lapse": InvoiceLapse}


async def order(system: System, name: str, position: str) -> str:
    """What an operator is answered."""
    asked = {
        "name": name,
        "on": position == "on",
        "by": "olga",
        "reason": "a leak",
        "request": name + position,
    }
    body = msgspec.json.encode(asked)
    answer = await system.ref("switches").call(Ask(body.decode()))
    assert isinstance(answer, str)
    return answer


def shown(system: System) -> tuple[dict[str, bool], set[str]]:
    """The switches of the workers, and the sentences about what is off."""
    actors = list(system.status().actors())
    workers = {actor.name: actor.worker.switched_on for actor in actors if actor.worker is not None}
    off = {text for actor in actors for kind, text in actor.alerts.items() if kind.startswith(SWITCHED_OFF)}
    return workers, off


@pytest.mark.requirement("W13")
async def test_a_switch_is_kept_over_a_restart_of_the_process_and_shown(
    database: Database, tmp_path: Path
) -> None:
    async with open_access(database, tmp_path, workers=WORKERS) as here:
        assert await order(here.system, "invoice_lapse", "off") == "invoice_lapse is switched off"
        assert await order(here.system, Function.PAYMENTS, "off") == "payments is switched off"
    async with open_access(database, tmp_path, workers=WORKERS) as here:
        workers, off = shown(here.system)
        assert workers["invoice_lapse"] is False
        assert off == {
            "invoice_lapse: switched off by olga at 2026-11-23 12:00 UTC, a leak",
            "payments: switched off by olga at 2026-11-23 12:00 UTC, a leak",
        }
        assert next(
            actor.worker.last_run is None
            for actor in here.system.status().actors()
            if actor.name == "invoice_lapse" and actor.worker is not None
        ), "it has not ticked even once"
        await order(here.system, "invoice_lapse", "on")
        await order(here.system, Function.PAYMENTS, "on")
        workers, off = shown(here.system)
        assert (workers["invoice_lapse"], off) == (True, set())
    assert rows(database, "SELECT name, switched_on FROM switches ORDER BY name") == [
        ("invoice_lapse", True),
        ("payments", True),
    ]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (
            "paymnets",
            "no actor is named 'paymnets'; functions are payments, sign_ups, provisioning, broadcasts",
        ),
        ("db_writer", "db_writer has no switch: it is not a worker"),
    ],
)
async def test_what_has_no_switch_is_refused_in_a_sentence_and_not_kept(
    name: str, why: str, database: Database, tmp_path: Path
) -> None:
    async with open_access(database, tmp_path, workers=WORKERS) as here:
        with pytest.raises(Declined, match=why):
            await order(here.system, name, "off")
    assert rows(database, "SELECT name FROM switches") == []


async def test_provisioning_that_is_off_leaves_the_nodes_alone_and_catches_up(
    database: Database, tmp_path: Path
) -> None:
    node = xray.plain_node(tmp_path)
    async with xray.running(node, tmp_path):
        async with open_access(database, tmp_path, node, workers=WORKERS) as here:
            await buy(here.system.ref("db_writer"), 1)
            await until(database, "EXISTS (SELECT FROM provisions)")
            await order(here.system, Function.PROVISIONING, "off")
            await buy(here.system.ref("db_writer"), 2)
        async with open_access(database, tmp_path, node, workers=WORKERS) as here:
            assert shown(here.system)[0][f"vpn/{node.name}"] is False, "from its first moment on"
            assert rows(database, "SELECT count(*) FROM provisions") == [(1,)]
            await order(here.system, Function.PROVISIONING, "on")
            await until(database, "(SELECT count(*) FROM provisions WHERE present) = 2")


async def test_an_administrator_switches_in_the_chat_and_people_are_told_in_plain_words(
    database: Database, tmp_path: Path, botapi_spec: BotApiSpec
) -> None:
    async with open_town(database, tmp_path, observer=botapi_spec) as town:
        alice, olga = town.person(1001), town.person(ADMIN)
        await alice.say("/plans")
        await alice.press("1 month")
        await alice.press("Crypto")
        link = await alice.press("Pay")
        assert link is not None
        await alice.say("/plans")
        await alice.press("1 month")
        await alice.press("Stars ·")
        invoice, _ = await alice.wait_for(lambda each: (each.get("invoice") or {}).get("title"), "an invoice")

        await olga.say("/switches")
        await olga.press("Switch off: payments")
        await olga.read("Payments — switched off")
        await alice.say("/plans")
        await alice.press("1 month")
        await alice.press("Stars ·")
        await alice.read("payments are paused for a while")
        paying = {"message_id": invoice["message_id"]}
        refused = (await town.telegram.post("/sandbox/people/1001/pay", json=paying, timeout=30)).json()
        assert (refused["paid"], refused["reason"][:31]) == (False, "Payments are paused for a while")
        await town.pay_crypto(link)
        await alice.read("Paid: 1 month")

        await olga.press("Switch on: payments")
        await olga.say("/switch_off broadcast")
        await olga.read("Worker broadcast — switched off")
        await olga.say("/switch_off nobody")
        await olga.read("no actor is named 'nobody'")
        await alice.say("/switches")
        await alice.read("I know these")
        paid = (await town.telegram.post("/sandbox/people/1001/pay", json=paying, timeout=30)).json()
        assert paid["paid"]
    assert botapi_spec.violations == []
