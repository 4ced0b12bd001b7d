"""The client against the sandbox: invoices from their making to their end, and every way to fail."""

from collections.abc import Awaitable, Callable
from functools import partial

import pytest
import trio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from domain.money import Money
from integrations.cryptopay.client import CryptoPay, CryptoPayRefused, open_cryptopay
from integrations.cryptopay.sandbox import SANDBOX_CRYPTOPAY_TOKEN
from integrations.cryptopay.types import Invoice
from integrations.http_client import Http, NotSent, OutcomeUnknown
from integrations.http_server import serve
from tests.integrations.cryptopay.conftest import MovableClock

_TOKEN = "12345:AAhunter2"


async def _invoice(pay: CryptoPay, payload: str = "purchase:1:1001") -> Invoice:
    price = Money(19900, "RUB")
    return await pay.create_invoice(price, description="30 days", payload=payload, expires_in=3600)


async def test_a_token_tells_its_app(pay: CryptoPay) -> None:
    assert (await pay.get_me()).app_id == 70001


async def test_an_invoice_from_its_making_to_its_payment(pay: CryptoPay, http: Http) -> None:
    made = await _invoice(pay)
    assert (made.status, made.asked, made.payload) == ("active", Money(19900, "RUB"), "purchase:1:1001")
    await http.request("POST", "/sandbox/pay", json={"invoice_id": made.invoice_id, "asset": "TON"})
    (paid,) = await pay.invoices([made.invoice_id])
    assert (paid.status, paid.paid, paid.paid_asset) == ("paid", Money(19900, "RUB"), "TON")
    assert (await pay.page(status="paid")).invoices == [paid]
    assert (await pay.page(status="active")).invoices == []


async def test_an_underpaid_and_an_overpaid_invoice_are_seen_as_such(pay: CryptoPay, http: Http) -> None:
    less, more = await _invoice(pay), await _invoice(pay)
    for invoice, amount in ((less, "1"), (more, "4.000000")):
        body = {"invoice_id": invoice.invoice_id, "asset": "USDT", "amount": amount}
        await http.request("POST", "/sandbox/pay", json=body)
    paid = {invoice.invoice_id: invoice.paid for invoice in (await pay.page(status="paid")).invoices}
    assert paid == {less.invoice_id: Money(8125, "RUB"), more.invoice_id: Money(32500, "RUB")}


async def test_an_invoice_in_an_asset_is_asked_and_paid_in_that(pay: CryptoPay, http: Http) -> None:
    price = Money.parse("2.5 TON")
    made = await pay.create_invoice(price, description="30 days", payload="purchase:1:1001", expires_in=3600)
    await http.request("POST", "/sandbox/pay", json={"invoice_id": made.invoice_id})
    [paid] = await pay.invoices([made.invoice_id])
    assert (made.asked, paid.paid, paid.paid_fiat_rate) == (price, price, None)
    assert (paid.fee_asset, paid.fee_amount) == ("TON", "0.075000000")


async def test_the_fee_of_a_payment_is_in_the_asset_that_it_was_paid_in(pay: CryptoPay, http: Http) -> None:
    made = await _invoice(pay)
    await http.request("POST", "/sandbox/pay", json={"invoice_id": made.invoice_id, "asset": "USDT"})
    [paid] = await pay.invoices([made.invoice_id])
    assert (paid.paid_amount, paid.paid_fiat_rate) == ("2.449231", "81.25000000")
    assert (paid.fee_asset, paid.fee_amount) == ("USDT", "0.073476")


async def test_an_invoice_that_expired_is_found_by_its_id_alone(pay: CryptoPay, clock: MovableClock) -> None:
    made = await _invoice(pay)
    clock.advance(3599)
    assert [invoice.status for invoice in await pay.invoices([made.invoice_id])] == ["active"]
    clock.advance(1)
    assert [invoice.status for invoice in await pay.invoices([made.invoice_id])] == ["expired"]
    assert (await pay.page(status="active")).invoices == []


async def test_pages_come_newest_first_and_unknown_ids_are_left_out(pay: CryptoPay) -> None:
    made = [(await _invoice(pay, f"purchase:{number}:1")).invoice_id for number in range(5)]
    assert [invoice.invoice_id for invoice in (await pay.page(count=2)).invoices] == made[:2:-1]
    assert [invoice.invoice_id for invoice in (await pay.page(offset=2, count=2)).invoices] == made[2:0:-1]
    assert len(await pay.invoices([*made, 999_999])) == 5
    assert await pay.invoices([]) == []


async def test_more_ids_than_a_default_page_are_all_answered(pay: CryptoPay) -> None:
    made = [(await _invoice(pay)).invoice_id for _ in range(101)]
    assert len(await pay.invoices(made)) == 101


async def test_a_wrong_token_is_refused_and_shown_nowhere(address: str) -> None:
    async with open_cryptopay(_TOKEN, api_base=address) as pay:
        with pytest.raises(CryptoPayRefused, match="UNAUTHORIZED") as caught:
            await pay.get_me()
    assert caught.value.code == 401
    assert _TOKEN not in str(caught.value) + repr(pay)


@pytest.mark.parametrize("token", ["", "no colon", "12345:AA\r\nx: y", "12345:ключ"])
async def test_what_is_no_token_is_refused_before_anything_is_asked(token: str) -> None:
    with pytest.raises(ValueError, match="not of the form"):
        async with open_cryptopay(token):
            pass


async def test_a_refusal_carries_the_providers_name(pay: CryptoPay) -> None:
    with pytest.raises(CryptoPayRefused) as caught:
        await pay.create_invoice(Money(100, "XTR"), description="", payload="", expires_in=60)
    assert (caught.value.code, caught.value.name) == (400, "FIAT_INVALID")
    with pytest.raises(CryptoPayRefused, match="EXPIRES_IN_INVALID"):
        await pay.create_invoice(Money(100, "RUB"), description="", payload="", expires_in=0)


async def test_an_address_where_nobody_listens_was_not_reached() -> None:
    async with open_cryptopay(SANDBOX_CRYPTOPAY_TOKEN, api_base="http://127.0.0.1:1") as pay:
        with pytest.raises(NotSent):
            await _invoice(pay)


@pytest.mark.parametrize(
    "answer",
    [
        PlainTextResponse("<html>Bad Gateway</html>", 502),
        PlainTextResponse(""),
        JSONResponse([]),
        JSONResponse({"ok": True}),
        JSONResponse({"ok": True, "result": {"invoice_id": 1}}),
    ],
)
async def test_an_answer_that_cannot_be_read_leaves_the_outcome_open(
    nursery: trio.Nursery, answer: Response
) -> None:
    async def respond(_: Request) -> Response:
        return answer

    respond_any: Callable[[Request], Awaitable[Response]] = respond
    app = Starlette(routes=[Route("/api/{method}", respond_any, methods=["POST"])])
    port = await nursery.start(partial(serve, app, host="127.0.0.1", port=0, name="a broken Crypto Pay"))
    async with open_cryptopay(_TOKEN, api_base=f"http://127.0.0.1:{port}") as pay:
        with pytest.raises(OutcomeUnknown):
            await _invoice(pay)
