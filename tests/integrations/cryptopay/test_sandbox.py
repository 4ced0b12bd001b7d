"""The sandbox: the provider's manners, webhooks that are repeated, state that survives."""

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
import trio

from domain.money import Money
from integrations.cryptopay.client import CryptoPay, open_cryptopay
from integrations.cryptopay.sandbox import SANDBOX_CRYPTOPAY_TOKEN, CryptoPaySandbox, deliveries
from integrations.cryptopay.signature import verify
from integrations.cryptopay.types import read_invoice
from integrations.http_client import Http
from integrations.http_server import serve
from integrations.sandbox_store import Store
from tests.integrations.cryptopay.conftest import Hook, MovableClock

_AUTH = {"Crypto-Pay-API-Token": SANDBOX_CRYPTOPAY_TOKEN}
_RUBLES = {"currency_type": "fiat", "fiat": "RUB", "amount": "199.00"}


async def _call(http: Http, method: str, parameters: Mapping[str, object]) -> dict[str, Any]:
    answer = await http.request("POST", f"/api/{method}", json=parameters, headers=_AUTH)
    body: dict[str, Any] = answer.json()
    assert body["ok"] is (answer.status_code == 200)
    return body


async def _make(http: Http, **more: object) -> dict[str, Any]:
    made: dict[str, Any] = (await _call(http, "createInvoice", _RUBLES | more))["result"]
    return made


async def _script(http: Http, action: str, **body: object) -> httpx.Response:
    return await http.request("POST", f"/sandbox/{action}", json=body)


@pytest.mark.parametrize(
    ("method", "parameters", "error"),
    [
        ("nonsense", {}, (405, "METHOD_NOT_FOUND")),
        ("createInvoice", {}, (400, "AMOUNT_REQUIRED")),
        ("createInvoice", _RUBLES | {"amount": "0"}, (400, "AMOUNT_INVALID")),
        ("createInvoice", _RUBLES | {"amount": "-1"}, (400, "AMOUNT_INVALID")),
        ("createInvoice", _RUBLES | {"fiat": "ZZZ"}, (400, "FIAT_INVALID")),
        ("createInvoice", {"amount": "1", "currency_type": "fiat"}, (400, "FIAT_REQUIRED")),
        ("createInvoice", {"amount": "1"}, (400, "ASSET_REQUIRED")),
        ("createInvoice", _RUBLES | {"accepted_assets": "TON,ZZZ"}, (400, "ACCEPTED_ASSETS_INVALID")),
        ("createInvoice", _RUBLES | {"expires_in": 2_678_401}, (400, "EXPIRES_IN_INVALID")),
        ("createInvoice", _RUBLES | {"paid_btn_name": "openBot"}, (400, "PAID_BTN_URL_INVALID")),
        ("createInvoice", _RUBLES | {"payload": "x" * 4097}, (400, "PAYLOAD_TOO_LONG")),
        ("getInvoices", {"count": 1001}, (400, "COUNT_INVALID")),
        ("getInvoices", {"status": "expired"}, (400, "STATUS_INVALID")),
        ("deleteInvoice", {"invoice_id": 999}, (400, "INVOICE_NOT_FOUND")),
    ],
)
async def test_a_bad_call_is_answered_with_the_providers_error(
    http: Http, method: str, parameters: dict[str, object], error: tuple[int, str]
) -> None:
    answer = await _call(http, method, parameters)
    assert (answer["error"]["code"], answer["error"]["name"]) == error


async def test_a_call_without_the_token_is_401(http: Http) -> None:
    answer = await http.request("GET", "/api/getMe")
    assert (answer.status_code, answer.json()["error"]["name"]) == (401, "UNAUTHORIZED")


async def test_parameters_are_read_from_query_form_and_json_alike(http: Http) -> None:
    by_query = await http.request(
        "GET", "/api/createInvoice?currency_type=fiat&fiat=RUB&amount=199.00", headers=_AUTH
    )
    by_form = await http.request("POST", "/api/createInvoice", data=_RUBLES, headers=_AUTH)
    by_json = await http.request(
        "POST", "/api/createInvoice", json=_RUBLES | {"amount": 199.5}, headers=_AUTH
    )
    amounts = [answer.json()["result"]["amount"] for answer in (by_query, by_form, by_json)]
    assert amounts == ["199.00", "199.00", "199.5"]


async def test_the_other_methods_answer_lists(http: Http) -> None:
    made = await _make(http)
    await _script(http, "pay", invoice_id=made["invoice_id"], asset="USDT", amount="2.449231")
    balances = (await _call(http, "getBalance", {}))["result"]
    assert {"currency_code": "USDT", "available": "2.449231", "onhold": "0"} in balances
    rates = (await _call(http, "getExchangeRates", {}))["result"]
    assert [each["rate"] for each in rates if (each["source"], each["target"]) == ("TON", "RUB")] == [
        "260.00000000"
    ]
    assert {each["code"] for each in (await _call(http, "getCurrencies", {}))["result"]} >= {"TON", "RUB"}


async def test_an_invoice_in_an_asset_is_paid_in_it_alone(http: Http) -> None:
    made = (await _call(http, "createInvoice", {"asset": "TON", "amount": "2.5"}))["result"]
    assert (await _script(http, "pay", invoice_id=made["invoice_id"], asset="BTC")).status_code == 409
    paid = (await _script(http, "pay", invoice_id=made["invoice_id"])).json()
    assert (paid["paid_asset"], paid["paid_amount"]) == ("TON", "2.5")
    assert "paid_fiat_rate" not in paid


async def test_a_deleted_invoice_is_gone_and_a_paid_one_stays(http: Http) -> None:
    open_one, paid_one = await _make(http), await _make(http)
    await _script(http, "pay", invoice_id=paid_one["invoice_id"])
    assert (await _call(http, "deleteInvoice", {"invoice_id": open_one["invoice_id"]}))["result"] is True
    refused = await _call(http, "deleteInvoice", {"invoice_id": paid_one["invoice_id"]})
    assert refused["error"]["name"] == "INVOICE_ALREADY_PAID"
    left = (await _call(http, "getInvoices", {}))["result"]["items"]
    assert [invoice["invoice_id"] for invoice in left] == [paid_one["invoice_id"]]


async def test_an_invoice_is_paid_once_and_not_after_it_expired(http: Http, clock: MovableClock) -> None:
    paid, late = await _make(http), await _make(http, expires_in=60)
    assert (await _script(http, "pay", invoice_id=paid["invoice_id"])).status_code == 200
    again = await _script(http, "pay", invoice_id=paid["invoice_id"])
    assert (again.status_code, again.json()["error"]) == (409, "This invoice is paid already.")
    assert (await _script(http, "expire", invoice_id=paid["invoice_id"])).status_code == 409
    clock.advance(60)
    too_late = await _script(http, "pay", invoice_id=late["invoice_id"])
    assert (too_late.status_code, too_late.json()["error"]) == (409, "This invoice is expired already.")


async def test_scripts_are_told_what_is_wrong(http: Http) -> None:
    made = await _make(http)
    assert (await _script(http, "pay", invoice_id=999)).status_code == 404
    assert (await _script(http, "pay", invoice_id=made["invoice_id"], amount="-1")).status_code == 400
    assert (await _script(http, "redeliver", invoice_id=made["invoice_id"])).status_code == 409
    form = await http.request("POST", "/sandbox/pay", data={"invoice_id": "1"})
    assert form.status_code == 415
    junk = await http.request(
        "POST", "/sandbox/pay", content=b"[", headers={"content-type": "application/json"}
    )
    assert junk.status_code == 400


async def test_a_payment_is_told_by_a_webhook_that_is_signed(http: Http, hook: Hook) -> None:
    made = await _make(http, payload="purchase:1:1001")
    await _script(http, "pay", invoice_id=made["invoice_id"])
    body = await hook.next()
    assert verify(SANDBOX_CRYPTOPAY_TOKEN, body, hook.received[0][1])
    update = json.loads(body)
    assert update["update_type"] == "invoice_paid"
    assert read_invoice(json.dumps(update["payload"]).encode()).paid == Money(19900, "RUB")


async def test_a_webhook_that_is_not_taken_is_repeated_with_growing_pauses(
    http: Http, hook: Hook, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "_TICK_SECONDS", 0.002)
    hook.statuses = [500, 404]
    made = await _make(http)
    started, times = clock.now, []
    with structlog.testing.capture_logs():
        await _script(http, "pay", invoice_id=made["invoice_id"])
        for _ in range(3):
            while not hook.arrived.is_set():
                clock.advance(0.1)
                await trio.sleep(0.005)
            await hook.next()
            times.append((clock.now - started).total_seconds())
    assert [body for body, _ in hook.received] == [hook.received[0][0]] * 3
    assert times[1] - times[0] >= 1
    assert times[2] - times[1] >= 2


async def test_a_payment_can_be_told_again(http: Http, hook: Hook) -> None:
    made = await _make(http)
    await _script(http, "pay", hash=made["hash"])
    first = json.loads(await hook.next())
    await _script(http, "redeliver", hash=made["hash"])
    second = json.loads(await hook.next())
    assert first["payload"] == second["payload"]
    assert first["update_id"] != second["update_id"]


async def test_invoices_and_webhooks_that_wait_survive_a_restart(
    tmp_path: Path, clock: MovableClock, hook: Hook
) -> None:
    store = Store(tmp_path / "sandbox.db")

    async def running(act: partial[Any]) -> None:
        sandbox = CryptoPaySandbox(store, clock, token=SANDBOX_CRYPTOPAY_TOKEN, webhook_url=hook.address)
        async with trio.open_nursery() as nursery:
            port = await nursery.start(
                partial(serve, sandbox.app, host="127.0.0.1", port=0, name="Crypto Pay")
            )
            await act(sandbox, nursery, f"http://127.0.0.1:{port}")
            nursery.cancel_scope.cancel()

    async def pay_without_delivering(sandbox: CryptoPaySandbox, nursery: trio.Nursery, address: str) -> None:
        async with open_cryptopay(SANDBOX_CRYPTOPAY_TOKEN, api_base=address) as client:
            await client.create_invoice(Money(100, "USD"), description="", payload="kept", expires_in=60)
        answer = await trio.to_thread.run_sync(
            partial(httpx.post, f"{address}/sandbox/pay", json={"invoice_id": 1}, trust_env=False)
        )
        assert answer.status_code == 200

    async def deliver(sandbox: CryptoPaySandbox, nursery: trio.Nursery, address: str) -> None:
        nursery.start_soon(sandbox.run)
        await hook.next()
        async with open_cryptopay(SANDBOX_CRYPTOPAY_TOKEN, api_base=address) as client:
            assert [invoice.payload for invoice in (await client.page(status="paid")).invoices] == ["kept"]

    await running(partial(pay_without_delivering))
    assert hook.received == []
    await running(partial(deliver))
    store.close()


async def test_the_page_of_an_invoice_shows_it_and_loads_nothing_foreign(http: Http, pay: CryptoPay) -> None:
    made = await _make(http, description="<script>alert(1)</script>")
    page = await http.request("GET", made["bot_invoice_url"])
    assert page.status_code == 200
    assert page.headers["content-security-policy"].startswith("default-src 'self'")
    for name in ("pay.css", "pay.js"):
        assert f'"/pay/{name}"' in page.text
        assert (await http.request("GET", f"/pay/{name}")).status_code == 200
    shown = (await http.request("GET", f"/sandbox/invoices/{made['hash']}")).json()
    assert (shown["status"], shown["amount"], shown["fiat"]) == ("active", "199.00", "RUB")
    assert shown["options"][0] == {"asset": "USDT", "name": "Tether", "amount": "2.449231"}
    assert (await http.request("GET", "/sandbox/invoices/none")).status_code == 404
    assert (await http.request("GET", "/")).headers["location"] == f"/pay/{made['hash']}"
    assert len((await http.request("GET", "/sandbox/invoices")).json()["invoices"]) == 1


@pytest.mark.parametrize("token", ["", "12345:AAhunter2", "SANDBOX-x"])
def test_a_token_without_the_sandboxs_mark_is_refused(store: Store, clock: MovableClock, token: str) -> None:
    with pytest.raises(ValueError, match="the sandbox takes only tokens"):
        CryptoPaySandbox(store, clock, token=token)
