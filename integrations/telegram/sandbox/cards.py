"""Payments by card: the token that stands for a payment provider, and the amounts that Telegram takes.

A shop gets a provider token from @BotFather. Telegram publishes the least and the greatest amount of each currency,
which are worth about one and ten thousand US dollars; they move with the rates, so here are the sums of one day.
"""

import re
from typing import Final

#: The provider token of a sandbox that nobody named another for; a test token of a provider that does not exist.
SANDBOX_PROVIDER_TOKEN: Final = "700000001:TEST:SANDBOX-turnpike-cards"  # noqa: S105 - opens a toy on loopback
#: A token that the sandbox accepts says so: a real one, pasted by mistake, is refused like any wrong one.
PROVIDER_TOKEN_FORM: Final = re.compile(r"\d{1,16}:TEST:SANDBOX-[A-Za-z0-9_-]{1,120}")

#: The least amount of each currency, in its minor units.
LEAST: Final = {
    "AMD": 38_000,
    "AZN": 170,
    "BYN": 320,
    "EUR": 87,
    "GBP": 76,
    "GEL": 270,
    "KGS": 8_750,
    "KZT": 52_000,
    "MDL": 1_700,
    "PLN": 370,
    "RUB": 8_125,
    "TRY": 4_200,
    "UAH": 4_200,
    "USD": 100,
    "UZS": 1_200_000,
}
MOST_TO_LEAST: Final = 10_000


def is_payable(amount: int, currency: str) -> bool:
    """Whether Telegram takes that many minor units of the currency by card."""
    return LEAST[currency] <= amount <= LEAST[currency] * MOST_TO_LEAST
