"""The sandbox's objects in the form in which Crypto Pay sends them."""

from datetime import UTC, datetime
from decimal import ROUND_DOWN, Decimal
from typing import Final

from integrations.cryptopay.sandbox.book import Record
from integrations.cryptopay.sandbox.rates import ASSETS, FIATS, rate

#: The share of a payment that the provider keeps.
_FEE: Final = Decimal("0.03")
_STABLE: Final = frozenset({"USDT", "USDC"})


def invoice_object(record: Record, now: datetime) -> dict[str, object]:
    """An Invoice object; fields that do not apply are absent."""
    page = f"{record.origin}/pay/{record.hash}"
    fields: dict[str, object | None] = {
        "invoice_id": record.invoice_id,
        "hash": record.hash,
        "status": record.status(now),
        "currency_type": "crypto" if record.fiat is None else "fiat",
        "asset": record.asset,
        "fiat": record.fiat,
        "amount": number(record.amount),
        "accepted_assets": record.accepted_assets or None,
        "bot_invoice_url": page,
        "mini_app_invoice_url": page,
        "web_app_invoice_url": page,
        "description": record.description,
        "created_at": time(record.created_at),
        "expiration_date": None if record.expires_at is None else time(record.expires_at),
        "allow_comments": record.allow_comments,
        "allow_anonymous": record.allow_anonymous,
        "payload": record.payload,
        "paid_btn_name": record.paid_btn_name,
        "paid_btn_url": record.paid_btn_url,
        **_payment_fields(record),
    }
    return {name: value for name, value in fields.items() if value is not None}


def _payment_fields(record: Record) -> dict[str, object | None]:
    payment = record.payment
    if payment is None:
        return {}
    unit = Decimal(1).scaleb(-ASSETS[payment.asset].decimals)
    return {
        "paid_at": time(payment.at),
        "paid_anonymously": False,
        "hidden_message": record.hidden_message,
        "paid_asset": payment.asset,
        "paid_amount": number(payment.amount),
        "paid_usd_rate": number(rate(payment.asset, "USD")),
        "paid_fiat_rate": None if payment.fiat_rate is None else number(payment.fiat_rate),
        "fee_asset": payment.asset,
        "fee_amount": number((payment.amount * _FEE).quantize(unit, ROUND_DOWN)),
    }


def currency_objects() -> list[dict[str, object]]:
    """The result of getCurrencies."""
    assets = [
        {
            "is_blockchain": code not in _STABLE,
            "is_stablecoin": code in _STABLE,
            "is_fiat": False,
            "name": asset.name,
            "code": code,
            "decimals": asset.decimals,
        }
        for code, asset in ASSETS.items()
    ]
    fiats = [
        {
            "is_blockchain": False,
            "is_stablecoin": False,
            "is_fiat": True,
            "name": code,
            "code": code,
            "decimals": 8,
        }
        for code in FIATS
    ]
    return [*assets, *fiats]


def rate_objects() -> list[dict[str, object]]:
    """The result of getExchangeRates."""
    return [
        {
            "is_valid": True,
            "is_crypto": True,
            "is_fiat": False,
            "source": asset,
            "target": fiat,
            "rate": number(rate(asset, fiat)),
        }
        for asset in ASSETS
        for fiat in FIATS
    ]


def number(value: Decimal) -> str:
    """Plain decimal notation, never an exponent."""
    return f"{value:f}"


def time(value: datetime) -> str:
    """ISO 8601 in UTC with milliseconds, as Crypto Pay writes it."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
