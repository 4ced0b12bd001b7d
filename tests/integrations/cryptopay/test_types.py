"""Reading invoices: exact money, unknown fields passed over, nothing guessed."""

import json
from decimal import Decimal

import msgspec
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from domain.money import Money
from integrations.cryptopay.sandbox.rates import ASSETS, FIATS, price, rate
from integrations.cryptopay.types import BadInvoice, read_invoice, read_invoices

_WIRE = {
    "invoice_id": 528_890,
    "hash": "IVDoTcNBYEfk",
    "status": "active",
    "currency_type": "fiat",
    "fiat": "RUB",
    "amount": "199",
    "bot_invoice_url": "https://t.me/CryptoBot?start=IVDoTcNBYEfk",
    "created_at": "2026-11-23T12:00:00.000Z",
    "expiration_date": "2026-11-23T13:00:00.000Z",
    "payload": "purchase:1:1001",
}
_PAID = _WIRE | {
    "status": "paid",
    "paid_asset": "USDT",
    "paid_amount": "2.18002400",
    "paid_fiat_rate": "91.28340513",
    "paid_at": "2026-11-23T12:30:00.000Z",
}


def _raw(wire: object) -> bytes:
    return json.dumps(wire).encode()


def test_an_open_invoice_says_what_was_asked() -> None:
    invoice = read_invoice(_raw(_WIRE))
    assert (invoice.status, invoice.asked, invoice.paid) == ("active", Money(19900, "RUB"), None)
    assert invoice.payload == "purchase:1:1001"
    assert invoice.expires_at is not None
    assert invoice.expires_at.isoformat() == "2026-11-23T13:00:00+00:00"


def test_a_paid_invoice_says_what_was_paid_in_the_currency_that_was_asked() -> None:
    invoice = read_invoice(_raw(_PAID))
    assert invoice.paid == Money(19900, "RUB")
    assert (invoice.paid_asset, invoice.paid_amount) == ("USDT", "2.18002400")


@pytest.mark.parametrize(
    ("paid_amount", "paid"),
    [("1.09", "99.50 RUB"), ("2.17", "198.08 RUB"), ("2.2", "200.82 RUB"), ("0", "0 RUB")],
)
def test_a_payment_that_is_not_what_was_asked_is_seen(paid_amount: str, paid: str) -> None:
    assert read_invoice(_raw(_PAID | {"paid_amount": paid_amount})).paid == Money.parse(paid)


def test_a_payment_without_a_rate_is_what_the_status_says() -> None:
    wire = {name: value for name, value in _PAID.items() if name != "paid_fiat_rate"}
    assert read_invoice(_raw(wire)).paid == Money(19900, "RUB")


@given(minor=st.integers(100, 10**8), asset=st.sampled_from([*ASSETS]), fiat=st.sampled_from([*FIATS]))
def test_the_exact_price_in_any_asset_is_never_seen_as_another_sum(minor: int, asset: str, fiat: str) -> None:
    asked = Money(minor, fiat)
    amount = price(Decimal(asked.decimal()), fiat, asset)
    wire = _PAID | {"fiat": fiat, "amount": asked.decimal(), "paid_asset": asset}
    wire |= {"paid_amount": f"{amount:f}", "paid_fiat_rate": f"{rate(asset, fiat):f}"}
    assert read_invoice(_raw(wire)).paid == asked


_ASSET = _PAID | {"currency_type": "crypto", "asset": "TON", "amount": "2.5", "paid_asset": "TON"}
del _ASSET["fiat"], _ASSET["paid_fiat_rate"]


@pytest.mark.parametrize(
    ("paid_amount", "paid"),
    [("2.5", "2.5 TON"), ("2.500000000", "2.5 TON"), ("2.4", "2.4 TON"), ("2.5000000009", "2.500000000 TON")],
)
def test_an_invoice_in_an_asset_is_paid_in_that_and_never_said_to_be_more(
    paid_amount: str, paid: str
) -> None:
    invoice = read_invoice(_raw(_ASSET | {"paid_amount": paid_amount}))
    assert (invoice.asked, invoice.paid) == (Money.parse("2.5 TON"), Money.parse(paid))


def test_an_invoice_that_was_paid_in_another_asset_than_asked_says_so() -> None:
    paid = read_invoice(_raw(_ASSET | {"paid_asset": "USDT", "paid_amount": "8.1"})).paid
    assert paid == Money.parse("8.1 USDT")


def test_rate_and_fee_are_kept_as_crypto_pay_printed_them() -> None:
    invoice = read_invoice(_raw(_PAID | {"fee_asset": "USDT", "fee_amount": "0.06540072"}))
    assert (invoice.paid_fiat_rate, invoice.fee_asset, invoice.fee_amount) == (
        "91.28340513",
        "USDT",
        "0.06540072",
    )


def test_fields_of_a_later_version_are_passed_over() -> None:
    assert read_invoice(_raw(_WIRE | {"new_in_2031": {"x": [1]}})) == read_invoice(_raw(_WIRE))


@pytest.mark.parametrize(
    "change",
    [
        {"invoice_id": "528890"},
        {"status": "frozen"},
        {"currency_type": "barter"},
        {"amount": 199},
        {"amount": "199.001"},
        {"amount": "-199"},
        {"amount": "1e3"},
        {"amount": "NaN"},
        {"fiat": "ZZZ"},
        {"fiat": None},
        {"currency_type": "crypto"},
        {"currency_type": "crypto", "asset": "DOGE"},
        {"created_at": None},
        {
            "status": "paid",
            "currency_type": "crypto",
            "asset": "TON",
            "paid_asset": "DOGE",
            "paid_amount": "1",
        },
        {"bot_invoice_url": None},
        {"payload": 5},
        {"status": "paid", "paid_amount": "Infinity", "paid_fiat_rate": "1"},
    ],
)
def test_an_odd_invoice_is_refused_with_a_sentence(change: dict[str, object]) -> None:
    with pytest.raises(BadInvoice, match="invoice"):
        read_invoice(_raw(_WIRE | change))


@pytest.mark.parametrize("raw", [b"", b"null", b"[]", b"\xff", b"{}", b"[" * 100_000])
def test_what_is_no_invoice_is_refused_with_a_sentence(raw: bytes) -> None:
    with pytest.raises(BadInvoice, match="not an invoice of Crypto Pay"):
        read_invoice(raw)


def test_one_odd_invoice_does_not_hide_the_others() -> None:
    page = [msgspec.Raw(_raw(wire)) for wire in (_WIRE, _WIRE | {"status": "frozen"}, _PAID)]
    with structlog.testing.capture_logs() as logged:
        assert [invoice.status for invoice in read_invoices(page)] == ["active", "paid"]
    assert len(logged) == 1
