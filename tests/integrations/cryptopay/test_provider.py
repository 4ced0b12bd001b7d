"""Crypto Pay behind the interface of payment providers: invoices, their state, and everything that was ever paid."""

from dataclasses import replace
from functools import partial

import pytest
import trio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from domain.money import Money
from integrations.cryptopay.client import CryptoPay, open_cryptopay
from integrations.cryptopay.provider import CryptoPayProvider
from integrations.cryptopay.sandbox import SANDBOX_CRYPTOPAY_TOKEN
from integrations.http_client import Http
from integrations.http_server import serve
from integrations.provider import Charge, Order, Refused, TryLater
from tests.integrations.cryptopay.conftest import MovableClock

_ORDER = Order(
    price=Money(19900, "RUB"),
    title="1 month",
    description="Test VPN: 1 month",
    payload="purchase:1:1001",
    payable_seconds=3600,
)
_DAY = 86_400


@pytest.fixture
def crypto(pay: CryptoPay) -> CryptoPayProvider:
    return CryptoPayProvider(pay, SANDBOX_CRYPTOPAY_TOKEN, "https://t.me/test_bot")


async def settle(http: Http, invoice_id: str) -> None:
    answer = await http.request("POST", "/sandbox/pay", json={"invoice_id": int(invoice_id)})
    assert answer.is_success, answer.text


async def make(crypto: CryptoPayProvider, http: Http, *, paid: bool) -> str:
    made = await crypto.invoice(_ORDER)
    assert made is not None
    if paid:
        await settle(http, made.invoice_id)
    return made.invoice_id


async def everything(crypto: CryptoPayProvider, point: str) -> tuple[list[str], str]:
    """All pages of one sweep: the charges that it told, and the point of the next."""
    told = []
    while True:
        swept = await crypto.sweep(point, 2)
        told += [each.charge_id for each in swept.found]
        point = swept.point
        if not swept.more:
            return told, point


async def test_an_invoice_is_open_paid_or_expired(
    crypto: CryptoPayProvider, http: Http, clock: MovableClock
) -> None:
    late, paid = await make(crypto, http, paid=False), await make(crypto, http, paid=True)
    clock.advance(3600)
    fresh = await make(crypto, http, paid=False)
    states = {each.invoice_id: each for each in await crypto.ask([late, paid, fresh, "999"])}
    assert {name: state.status for name, state in states.items()} == {
        late: "expired",
        paid: "paid",
        fresh: "open",
    }
    charge = states[paid].charge
    assert isinstance(charge, Charge)
    assert (charge.charge_id, charge.amount, charge.payload) == (paid, _ORDER.price, _ORDER.payload)
    assert charge.paid_at is not None
    assert states[fresh].charge is None


async def test_a_sweep_finds_every_payment_and_the_next_one_only_looks_at_what_is_recent(
    crypto: CryptoPayProvider, http: Http, clock: MovableClock
) -> None:
    old = [await make(crypto, http, paid=True) for _ in range(5)]
    clock.advance(3 * _DAY)
    recent = [await make(crypto, http, paid=True) for _ in range(3)]
    told, point = await everything(crypto, "")
    assert told == [*reversed(recent), *reversed(old)]
    later = await make(crypto, http, paid=True)
    told, point = await everything(crypto, point)
    assert told[: len(recent) + 1] == [later, *reversed(recent)]
    assert not set(told) & set(old[:3])
    assert (await everything(crypto, point))[0][0] == later


async def test_what_is_paid_while_a_sweep_turns_pages_is_told_by_the_next(
    crypto: CryptoPayProvider, http: Http
) -> None:
    waiting = await make(crypto, http, paid=False)
    paid = [await make(crypto, http, paid=True) for _ in range(4)]
    first = await crypto.sweep("", 2)
    await settle(http, waiting)
    newest = await make(crypto, http, paid=True)
    told, point = await everything(crypto, first.point)
    assert {each.charge_id for each in first.found} | set(told) >= {waiting, *paid}
    assert newest in (await everything(crypto, point))[0]


async def test_a_shop_without_payments_is_swept_too(crypto: CryptoPayProvider) -> None:
    told, point = await everything(crypto, "")
    assert (told, await everything(crypto, point)) == ([], ([], point))


async def test_a_wrong_order_is_refused_and_money_does_not_go_back_by_itself(
    crypto: CryptoPayProvider,
) -> None:
    with pytest.raises(Refused, match="by hand"):
        await crypto.refund("1", 1001)
    with pytest.raises(Refused, match="no subscriptions"):
        await crypto.stop("1", 1001)
    with pytest.raises(Refused, match="FIAT_INVALID"):
        await crypto.invoice(replace(_ORDER, price=Money(100, "XTR")))


@pytest.mark.parametrize("code", [429, 500, 503])
async def test_a_provider_that_cannot_just_now_is_asked_later(nursery: trio.Nursery, code: int) -> None:
    async def respond(_: Request) -> Response:
        return JSONResponse({"ok": False, "error": {"code": code, "name": "SLOW_DOWN"}}, code)

    app = Starlette(routes=[Route("/api/{method}", respond, methods=["POST"])])
    port = await nursery.start(partial(serve, app, host="127.0.0.1", port=0, name="a busy Crypto Pay"))
    async with open_cryptopay("12345:AAbb", api_base=f"http://127.0.0.1:{port}") as client:
        crypto = CryptoPayProvider(client, "12345:AAbb")
        for asked in (crypto.invoice(_ORDER), crypto.ask(["1"]), crypto.sweep("", 2)):
            with pytest.raises(TryLater):
                await asked
    async with open_cryptopay("12345:AAbb", api_base="http://127.0.0.1:1") as nobody:
        with pytest.raises(TryLater):
            await CryptoPayProvider(nobody, "12345:AAbb").sweep("", 2)
