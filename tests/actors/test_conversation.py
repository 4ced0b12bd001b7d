"""The bot as people meet it, judged by Telegram's own documentation on both sides of the wire."""

from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from actors.environment import Secrets
from actors.messages import LookAgain, Write
from domain.commands import CreatePromo
from domain.entities import PromoKind
from integrations.telegram.sandbox import SANDBOX_TOKEN
from integrations.telegram.webhook import SECRET_HEADER
from tests.actors.town import Town, open_town
from tests.e2e.sandbox import Message
from tests.fixtures.botapi_spec import BotApiSpec
from tests.fixtures.postgres import Database
from tests.storage.test_writer import owner_of

KEY = r"(vless://\S+)"


async def test_every_path_of_the_bot_keeps_to_the_bot_api(
    database: Database, tmp_path: Path, botapi_spec: BotApiSpec
) -> None:
    async with open_town(database, tmp_path, observer=botapi_spec) as town:
        alice = town.person()
        await alice.say("/start")
        await alice.press("Plans")
        await alice.press("1 month")
        await alice.press("Stars")
        await alice.pay_invoice()
        await alice.read("Paid: 1 month")
        await town.connect()
        link = await alice.read(KEY)
        await alice.say("/me")
        address = await alice.read(r"(http://\S+/s/\S+)")
        await alice.say("/balance")
        await alice.press("500 ₽")
        await alice.press("Crypto Pay")
        url = await alice.press("Pay 500")
        assert url is not None
        await town.pay_crypto(url)
        await alice.read("500 ₽ added")
        await alice.press("Plans")
        await alice.press("1 month")
        await alice.press("Balance · 500")
        await alice.press("Pay 199")
        await alice.read("You stay connected, with the same key")
        await alice.say("what now?")
        await alice.read("I know these")

        body = await town.gateway.get(address)
        assert b64decode(body.text).decode().partition("#")[0] == link.partition("#")[0]
        assert body.headers["cache-control"] == "no-store"
        assert (await town.gateway.get("/s/not-a-token")).status_code == 404
    assert botapi_spec.violations == []
    assert {"sendMessage", "sendPhoto", "sendInvoice", "editMessageText", "answerPreCheckoutQuery"} <= (
        botapi_spec.methods_seen
    )


async def test_an_invoice_that_is_paid_twice_is_refused_at_the_check_out(
    database: Database, tmp_path: Path
) -> None:
    async with open_town(database, tmp_path) as town:
        alice = town.person()
        await alice.say("/plans")
        await alice.press("1 month")
        await alice.press("Stars")
        assert (await alice.pay_invoice())["paid"]
        await alice.read("Paid: 1 month")
        message, _ = await alice.wait_for(
            lambda each: (each.get("invoice") or {}).get("title"), "the invoice"
        )
        again = await town.telegram.post(
            "/sandbox/people/1001/pay", json={"message_id": message["message_id"]}, timeout=20
        )
        assert again.json()["paid"] is False


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        ("buy:plan:gone:stars", "no longer there"),
        ("buy:plan:month:barter", "Which one suits you"),
        ("show:pay:plan:gone", "no longer there"),
        ("settle:999999", "no longer there"),
        ("settle:-1", "I know these"),
        ("of another version", "I know these"),
    ],
)
async def test_a_button_of_another_time_is_answered_politely(
    database: Database, tmp_path: Path, data: str, answer: str
) -> None:
    async with open_town(database, tmp_path) as town:
        alice = town.person()
        await alice.say("/start")
        message, _ = await alice.wait_for(lambda each: each.get("text"), "an answer")
        await town.tap(alice, message["message_id"], data, update_id=5)
        await alice.read(answer)


@pytest.mark.requirement("F5")
async def test_an_update_that_telegram_delivers_again_changes_nothing(
    database: Database, tmp_path: Path
) -> None:
    async with open_town(database, tmp_path) as town:
        alice = town.person()
        await alice.say("/plans")
        await alice.press("1 month")
        await alice.press("Stars")
        await alice.pay_invoice()
        await alice.read("Paid: 1 month")
        updates = (await town.telegram.get("/sandbox/updates")).json()
        for update in updates["confirmed"]:
            answer = await town.telegram.post("/sandbox/redeliver", json={"update_id": update["update_id"]})
            assert answer.is_success, answer.text
        await alice.say("/help")
        await alice.read("I know these")
        assert alice.count("Paid: 1 month") == 1
        with owner_of(database) as owner:
            assert owner.execute("SELECT count(*) FROM payments").fetchone() == (1,)
            assert owner.execute("SELECT count(*) FROM updates WHERE done_at IS NULL").fetchone() == (0,)


async def test_by_webhook_the_same_inbox_is_filled_and_strangers_are_kept_out(
    database: Database, tmp_path: Path
) -> None:
    async with open_town(database, tmp_path, updates="webhook") as town:
        bob = town.person(1002)
        await bob.say("/plans")
        await bob.press("1 month")
        await bob.press("Stars")
        assert (await bob.pay_invoice())["paid"]
        await bob.read("Paid: 1 month")

        path, update = "/webhooks/telegram", {"update_id": 77, "message": {}}
        right = {SECRET_HEADER: Secrets(SANDBOX_TOKEN).webhook_secret}
        assert (await town.gateway.post(path, json=update)).status_code == 403
        assert (
            await town.gateway.post(path, json=update, headers={SECRET_HEADER: "guess"})
        ).status_code == 403
        corrupt = await town.gateway.post(
            path, content=b"{not json", headers={**right, "content-type": "application/json"}
        )
        assert corrupt.status_code == 400
        with owner_of(database) as owner:
            assert owner.execute("SELECT count(*) FROM updates WHERE id = 77").fetchone() == (0,)


async def test_a_message_of_another_version_does_not_stop_the_others(
    database: Database, tmp_path: Path
) -> None:
    async with open_town(database, tmp_path) as town:
        with owner_of(database) as owner:
            owner.execute(
                "INSERT INTO outbox"
                " (id, chat_id, key, kind, body, created_at, not_before, state, attempts, priority) VALUES "
                """(1000000, 1002, 'k', 'gone', '{"type": "gone"}', '2020-01-01', '2020-01-01', 'pending', 0, 0)"""
            )
        town.system.ref("sender").cast(LookAgain())
        alice = town.person()
        await alice.say("/start")
        await alice.read("Hello")
        with owner_of(database) as owner:
            assert owner.execute("SELECT state FROM outbox WHERE kind = 'gone'").fetchone() == ("failed",)
        [sender] = [actor for actor in town.system.status().actors() if actor.name == "sender"]
        assert sender.restarts == 0


@pytest.mark.requirement("F12")
async def test_an_old_invoice_with_a_discount_is_refused_at_the_check_out_once_the_code_is_used_up(
    database: Database, tmp_path: Path
) -> None:
    async with open_town(database, tmp_path) as town:
        alice = town.person()
        half = CreatePromo(
            request="1", by="olga", reason="spring", code="HALF", kind=PromoKind.PERCENT, percent=50
        )
        await town.system.ref("db_writer").call(Write(half))
        await alice.say("HALF")
        await alice.read("HALF")
        invoices: list[int] = []
        for _ in range(2):
            await alice.say("/plans")
            await alice.press("1 month")
            await alice.press("Stars")
            message, _ = await alice.wait_for(fresh_invoice(invoices), "an invoice")
            invoices.append(message["message_id"])
        old, new = invoices
        assert (await pay(town, new))["paid"]
        await alice.read("Paid: 1 month")
        refused = await pay(town, old)
        assert not refused["paid"]
        assert "promo code" in str(refused)
        with owner_of(database) as owner:
            assert owner.execute("SELECT amount FROM payments").fetchall() == [(75,)]


async def pay(town: Town, message: int) -> dict[str, Any]:
    """Alice tries to pay the invoice in a message."""
    answer = await town.telegram.post("/sandbox/people/1001/pay", json={"message_id": message}, timeout=20)
    result: dict[str, Any] = answer.json()
    return result


def fresh_invoice(known: list[int]) -> Callable[[Message], str | None]:
    """Finds an invoice that is not known yet."""
    return lambda each: (each.get("invoice") or {}).get("title") if each["message_id"] not in known else None
