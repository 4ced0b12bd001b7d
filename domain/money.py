"""Money: an integer of minor units with a currency (requirement F9).

There is no float here and no way to make one: amounts are read from decimal text, kept as integers,
and two currencies never meet in one operation.
"""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final, Self

_FIAT: Final = dict.fromkeys(("RUB", "USD", "EUR", "UAH", "KZT", "BYN", "GEL", "TRY"), 2)

#: Cryptocurrencies; at most 9 places, so that a bigint holds more of each than there is.
CRYPTO: Final = {"USDT": 6, "USDC": 6, "TON": 9, "BTC": 8, "ETH": 8, "LTC": 8, "BNB": 8, "TRX": 6}

#: Decimal places of each currency that a shop may use; XTR is Telegram Stars.
EXPONENTS: Final = {"XTR": 0, **_FIAT, **CRYPTO}


class CurrencyMismatch(TypeError):
    """Two amounts of different currencies met in one operation."""


class BadMoney(ValueError):
    """Text is not an amount of money; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units: `Money(19900, "RUB")` is 199 roubles, `Money(150, "XTR")` is 150 Stars."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        """Raise `BadMoney` for a currency that we do not know, `TypeError` for an amount that is not an int."""
        if type(self.minor) is not int:
            raise TypeError(f"money is an integer of minor units, not {type(self.minor).__name__}")
        if self.currency not in EXPONENTS:
            raise BadMoney(
                f"unknown currency {self.currency!r}, expected one of {', '.join(sorted(EXPONENTS))}"
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `"199.00 RUB"`; raise `BadMoney` for anything else, too many decimal places included."""
        number, _, currency = text.strip().partition(" ")
        return cls.from_decimal(number, currency.strip())

    @classmethod
    def from_decimal(cls, number: str, currency: str) -> Self:
        """Read a decimal number as providers write it (`"199.5"`); never rounds, raises `BadMoney` instead."""
        exponent = EXPONENTS.get(currency)
        if exponent is None:
            raise BadMoney(f"unknown currency {currency!r}, expected one of {', '.join(sorted(EXPONENTS))}")
        try:
            scaled = Decimal(number).scaleb(exponent)
        except InvalidOperation:
            raise BadMoney(f"{number!r} is not a decimal number, expected e.g. '199.00 RUB'") from None
        if not scaled.is_finite() or scaled != scaled.to_integral_value():
            raise BadMoney(
                f"{number!r} has more than {exponent} decimal places, which {currency} does not have"
            )
        return cls(int(scaled), currency)

    def decimal(self) -> str:
        """The amount as a decimal number without its currency: `"199.00"`."""
        return f"{Decimal(self.minor).scaleb(-EXPONENTS[self.currency]):f}"

    def __str__(self) -> str:
        """The amount as `parse` reads it, for logs and operators: `199.00 RUB`. People get it in their language."""
        return f"{self.decimal()} {self.currency}"

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.minor <= self._same(other)

    def _same(self, other: "Money") -> int:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self.currency} met {other.currency}")
        return other.minor
