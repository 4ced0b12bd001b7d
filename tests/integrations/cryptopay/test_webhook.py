"""The webhook: only what Crypto Pay signed counts, and only what was accepted is confirmed."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import structlog
from starlette.applications import Starlette

from domain.money import Money
from integrations.cryptopay.signature import SIGNATURE_HEADER, sign
from integrations.cryptopay.types import Invoice
from integrations.cryptopay.webhook import webhook_route

_TOKEN = "12345:AAhunter2"
_NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
_INVOICE = {
    "invoice_id": 7,
    "status": "paid",
    "currency_type": "fiat",
    "fiat": "RUB",
    "amount": "199.00",
    "bot_invoice_url": "https://t.me/CryptoBot?start=IV7",
    "created_at": "2026-11-23T11:59:00Z",
    "payload": "purchase:1:1001",
}
_UPDATE = {
    "update_id": 1,
    "update_type": "invoice_paid",
    "request_date": "2026-11-23T12:00:00Z",
    "payload": _INVOICE,
}


class _Shop:
    def __init__(self) -> None:
        self.accepted: list[Invoice] = []
        self.broken = False

    async def accept(self, invoice: Invoice) -> None:
        if self.broken:
            raise RuntimeError("the database is away")
        self.accepted.append(invoice)


@pytest.fixture
def shop() -> _Shop:
    return _Shop()


async def _post(shop: _Shop, body: bytes, signature: str | None, now: datetime = _NOW) -> int:
    route = webhook_route("/hook", token=_TOKEN, now=lambda: now, accept=shop.accept)
    app = Starlette(routes=[route])
    headers = {} if signature is None else {SIGNATURE_HEADER: signature}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop") as http:
        return (await http.post("/hook", content=body, headers=headers)).status_code


def _raw(update: object) -> bytes:
    return json.dumps(update).encode()


async def test_a_paid_invoice_is_confirmed_once_accepted(shop: _Shop) -> None:
    body = _raw(_UPDATE)
    assert await _post(shop, body, sign(_TOKEN, body)) == 200
    assert [(invoice.invoice_id, invoice.paid) for invoice in shop.accepted] == [(7, Money(19900, "RUB"))]


async def test_one_that_was_not_accepted_is_500_so_that_it_comes_again(shop: _Shop) -> None:
    shop.broken = True
    with structlog.testing.capture_logs() as logged:
        assert await _post(shop, _raw(_UPDATE), sign(_TOKEN, _raw(_UPDATE))) == 500
    assert [entry["invoice"] for entry in logged] == [7]


@pytest.mark.parametrize(
    "signature",
    [None, "", "0" * 64, sign("12345:somebody-else", _raw(_UPDATE)), sign(_TOKEN, b"another body")],
)
async def test_a_forged_or_absent_signature_is_403_and_nothing_happens(
    shop: _Shop, signature: str | None
) -> None:
    assert await _post(shop, _raw(_UPDATE), signature) == 403
    assert shop.accepted == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b'{"update_type": 5}',
        _raw({"update_type": "invoice_paid"}),
        _raw({name: value for name, value in _UPDATE.items() if name != "request_date"}),
        _raw(_UPDATE | {"request_date": "yesterday"}),
        _raw(_UPDATE | {"request_date": "2026-11-23T12:00:00"}),
        _raw(_UPDATE | {"payload": _INVOICE | {"amount": "a lot"}}),
        b"\xff",
        b"[" * 100_000,
    ],
)
async def test_signed_text_that_is_no_update_is_400_and_nothing_happens(shop: _Shop, body: bytes) -> None:
    with structlog.testing.capture_logs():
        assert await _post(shop, body, sign(_TOKEN, body)) == 400
    assert shop.accepted == []


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(_UPDATE, separators=(",", ":")).encode(),
        json.dumps(_UPDATE, sort_keys=True).encode(),
        _raw(_UPDATE) + b"\n",
        _raw(_UPDATE).replace(b"199.00", b"199.0"),
    ],
)
async def test_the_same_update_in_other_bytes_is_not_what_was_signed(shop: _Shop, body: bytes) -> None:
    assert await _post(shop, body, sign(_TOKEN, _raw(_UPDATE))) == 403
    assert shop.accepted == []


async def test_a_repeat_is_taken_for_as_long_as_crypto_pay_repeats_and_a_later_replay_is_refused(
    shop: _Shop,
) -> None:
    body = _raw(_UPDATE)
    signature = sign(_TOKEN, body)
    assert await _post(shop, body, signature, _NOW + timedelta(days=3)) == 200
    assert await _post(shop, body, signature, _NOW + timedelta(days=3, hours=2)) == 403
    assert len(shop.accepted) == 1


async def test_another_kind_of_update_is_taken_and_ignored(shop: _Shop) -> None:
    other: dict[str, Any] = _UPDATE | {"update_type": "something_new", "payload": {"x": 1}}
    assert await _post(shop, _raw(other), sign(_TOKEN, _raw(other))) == 200
    assert shop.accepted == []


def test_an_empty_token_is_an_error_at_construction(shop: _Shop) -> None:
    with pytest.raises(ValueError, match="token is empty"):
        webhook_route("/hook", token="", now=lambda: _NOW, accept=shop.accept)
