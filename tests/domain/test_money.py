"""Money is an integer with a currency: exact, and never mixed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money import EXPONENTS, BadMoney, CurrencyMismatch, Money

currencies = st.sampled_from(sorted(EXPONENTS))


@pytest.mark.requirement("F9")
@given(st.integers(-(10**15), 10**15), currencies)
def test_decimal_text_and_money_are_the_same_thing(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    assert Money.parse(f"{money.decimal()} {currency}") == money


@pytest.mark.requirement("F9")
@given(st.integers(), st.integers(), currencies, currencies)
def test_two_currencies_never_meet(left: int, right: int, one: str, other: str) -> None:
    if one == other:
        assert (Money(left, one) + Money(right, one)).minor == left + right
        return
    for operation in (Money.__add__, Money.__sub__, Money.__lt__, Money.__le__):
        with pytest.raises(CurrencyMismatch):
            operation(Money(left, one), Money(right, other))


@pytest.mark.requirement("F9")
@pytest.mark.parametrize(
    "text", ["199.001 RUB", "1.5 XTR", "NaN RUB", "Infinity RUB", "RUB", "", "1 ABC", "1,5 RUB"]
)
def test_what_is_not_exactly_an_amount_is_refused(text: str) -> None:
    with pytest.raises(BadMoney):
        Money.parse(text)


@pytest.mark.requirement("F9")
@pytest.mark.parametrize("amount", [1.0, True, "1"])
def test_an_amount_that_is_not_an_integer_is_refused(amount: object) -> None:
    with pytest.raises(TypeError):
        Money(amount, "RUB")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(19900, "RUB"), "199.00 RUB"),
        (Money(150, "XTR"), "150 XTR"),
        (Money(-150, "EUR"), "-1.50 EUR"),
    ],
)
def test_an_amount_is_written_as_it_is_read(money: Money, text: str) -> None:
    assert str(money) == text
    assert Money.parse(text) == money
