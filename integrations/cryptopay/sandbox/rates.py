"""The sandbox's exchange rates: fixed, so that a test knows what an invoice costs."""

from dataclasses import dataclass
from decimal import ROUND_UP, Decimal
from typing import Final


@dataclass(frozen=True, slots=True)
class Asset:
    """A cryptocurrency: its decimal places and what one of it costs in US dollars."""

    name: str
    decimals: int
    usd: Decimal


ASSETS: Final = {
    "USDT": Asset("Tether", 6, Decimal(1)),
    "TON": Asset("Toncoin", 9, Decimal("3.20")),
    "BTC": Asset("Bitcoin", 8, Decimal(104_000)),
    "ETH": Asset("Ethereum", 8, Decimal(3_600)),
    "LTC": Asset("Litecoin", 8, Decimal(95)),
    "BNB": Asset("BNB", 8, Decimal(900)),
    "TRX": Asset("TRON", 6, Decimal("0.29")),
    "USDC": Asset("USD Coin", 6, Decimal(1)),
}

#: How much of a fiat currency one US dollar is.
FIATS: Final = {
    "USD": Decimal(1),
    "EUR": Decimal("0.87"),
    "RUB": Decimal("81.25"),
    "BYN": Decimal("3.20"),
    "UAH": Decimal(42),
    "KZT": Decimal(520),
    "GEL": Decimal("2.70"),
    "TRY": Decimal(42),
}

_RATE_UNIT: Final = Decimal("0.00000001")


def rate(asset: str, fiat: str) -> Decimal:
    """What one `asset` costs in `fiat`, to 8 decimal places."""
    return (ASSETS[asset].usd * FIATS[fiat]).quantize(_RATE_UNIT)


def price(amount: Decimal, fiat: str, asset: str) -> Decimal:
    """How much `asset` buys `amount` of `fiat`, rounded up to what the asset can be split into."""
    unit = Decimal(1).scaleb(-ASSETS[asset].decimals)
    return (amount / rate(asset, fiat)).quantize(unit, ROUND_UP)
