"""Crypto Pay's invoices: the wire form, and the value that the rest of turnpike sees.

Unknown fields are passed over (the provider adds some every year); a missing or odd one that money depends on
is an error, never a guess. An invoice is denominated in a fiat currency and paid in whatever asset the person chose, so
what was paid has to be brought back to the currency that was asked; or it is denominated in an asset and paid in that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal
from typing import Annotated, Final, Literal

import msgspec
import structlog

from domain.money import EXPONENTS, BadMoney, Money

Status = Literal["active", "paid", "expired"]

#: A time that says in which zone it is.
Moment = Annotated[datetime, msgspec.Meta(tz=True)]

#: Numbers come as text, in plain decimal notation.
_Number = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,12}(\.[0-9]{1,18})?$")]

#: How far off the printed rate (a share of it) and the printed amount (in the asset) may be by rounding.
_RATE_ROUNDING: Final = Decimal("0.001")
_AMOUNT_ROUNDING: Final = Decimal("0.00000001")

_log: Final = structlog.get_logger(__name__)


class BadInvoice(ValueError):
    """What came is not an invoice of ours; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice as it stands. `paid` is what was paid, in the currency of `asked`; None while it is not.

    The rest of a payment is as Crypto Pay printed it: the asset and how much of it, what one of it cost in the fiat
    currency of the invoice, and the provider's fee, which is taken from what was paid.
    """

    invoice_id: int
    status: Status
    asked: Money
    paid: Money | None
    pay_url: str
    payload: str | None
    paid_asset: str | None
    paid_amount: str | None
    paid_fiat_rate: str | None
    fee_asset: str | None
    fee_amount: str | None
    created_at: datetime
    paid_at: datetime | None
    expires_at: datetime | None


class _Wire(msgspec.Struct, kw_only=True):
    invoice_id: int
    status: Status
    currency_type: Literal["fiat", "crypto"]
    fiat: str | None = None
    asset: str | None = None
    amount: _Number
    bot_invoice_url: str
    payload: str | None = None
    paid_asset: str | None = None
    paid_amount: _Number | None = None
    paid_fiat_rate: _Number | None = None
    fee_asset: str | None = None
    fee_amount: _Number | None = None
    created_at: Moment
    paid_at: Moment | None = None
    expiration_date: Moment | None = None


_decoder: Final = msgspec.json.Decoder(_Wire)


def read_invoice(raw: bytes | msgspec.Raw) -> Invoice:
    """Read an Invoice object; raise `BadInvoice` if it is malformed or in a currency that we do not know."""
    try:
        wire = _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInvoice(f"not an invoice of Crypto Pay: {error}") from None
    currency = wire.fiat if wire.currency_type == "fiat" else wire.asset
    if currency is None:
        raise BadInvoice(f"invoice {wire.invoice_id} does not say in which currency it is")
    try:
        asked = Money.from_decimal(wire.amount, currency)
        paid = _paid(wire, asked) if wire.status == "paid" else None
    except BadMoney as error:
        raise BadInvoice(f"invoice {wire.invoice_id}: {error}") from None
    return Invoice(
        invoice_id=wire.invoice_id,
        status=wire.status,
        asked=asked,
        paid=paid,
        pay_url=wire.bot_invoice_url,
        payload=wire.payload,
        paid_asset=wire.paid_asset,
        paid_amount=wire.paid_amount,
        paid_fiat_rate=wire.paid_fiat_rate,
        fee_asset=wire.fee_asset,
        fee_amount=wire.fee_amount,
        created_at=wire.created_at,
        paid_at=wire.paid_at,
        expires_at=wire.expiration_date,
    )


def read_invoices(raws: Sequence[msgspec.Raw]) -> list[Invoice]:
    """Read a page; what is not an invoice of ours is reported and left out, so it cannot hide the others."""
    invoices = []
    for raw in raws:
        try:
            invoices.append(read_invoice(raw))
        except BadInvoice as error:
            _log.warning("an invoice of Crypto Pay was passed over", reason=str(error))
    return invoices


def _paid(wire: _Wire, asked: Money) -> Money:
    """What was paid, in the asset that was asked, or brought back to the fiat currency by the rate that is stated.

    Amount and rate are rounded for printing, so their product misses what was asked by a little also where the
    payment was exact; that much is taken for rounding. Without a rate, the status is all that is said: what was
    asked was paid.
    """
    if wire.paid_amount is None:
        return asked
    if wire.currency_type == "crypto":
        return _in_asset(wire.paid_amount, wire.paid_asset or asked.currency)
    if wire.paid_fiat_rate is None:
        return asked
    product = Decimal(wire.paid_amount) * Decimal(wire.paid_fiat_rate)
    wanted = Decimal(asked.decimal())
    if abs(product - wanted) <= wanted * _RATE_ROUNDING + Decimal(wire.paid_fiat_rate) * _AMOUNT_ROUNDING:
        return asked
    return _rounded(product, asked.currency, ROUND_HALF_EVEN)


def _in_asset(amount: str, asset: str) -> Money:
    """An amount of an asset, never more than it is; raises `BadMoney` for an asset that we do not know."""
    if asset not in EXPONENTS:
        raise BadMoney(f"it was paid in {asset}, which is not known here")
    return _rounded(Decimal(amount), asset, ROUND_DOWN)


def _rounded(amount: Decimal, currency: str, rounding: str) -> Money:
    unit = Decimal(1).scaleb(-EXPONENTS[currency])
    return Money.from_decimal(f"{amount.quantize(unit, rounding):f}", currency)
