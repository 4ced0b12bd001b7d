"""Money, moments and amounts of data as a language writes them, from Unicode's data (CLDR) by Babel."""

from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import ROUND_DOWN, Decimal
from typing import Final

from babel import Locale
from babel.dates import format_date, format_time, get_datetime_format, get_timezone_location
from babel.numbers import format_currency, format_decimal, get_currency_symbol
from babel.units import format_unit

from domain.money import EXPONENTS, Money

#: How a currency writes itself, for languages that have no sign of their own for it; XTR is Telegram Stars.
_SIGNS: Final = {
    "XTR": "⭐",
    "RUB": "₽",
    "USD": "$",
    "EUR": "€",
    "UAH": "₴",
    "KZT": "₸",
    "GEL": "₾",
    "TRY": "₺",
}

_DATA_UNITS: Final = ("kilobyte", "megabyte", "gigabyte", "terabyte")
_THOUSAND: Final = 1000

_NO_BREAK: Final = "\N{NO-BREAK SPACE}"


def write_money(money: Money, locale: Locale) -> str:
    """`$5` and `199 ₽` in English, `1 990,50 ₽` in Russian, `150 ⭐`; whole amounts without decimal places."""
    amount = Decimal(money.decimal())
    whole = amount == amount.to_integral_value()
    if get_currency_symbol(money.currency, locale) == money.currency:
        part = "" if whole else ".00" + "#" * (EXPONENTS[money.currency] - 2)
        number = format_decimal(amount, f"#,##0{part}", locale)
        return f"{number}{_NO_BREAK}{_SIGNS.get(money.currency, money.currency)}"
    pattern = str(locale.currency_formats["standard"].pattern)
    form = pattern.replace(".00", "") if whole else pattern
    return format_currency(amount, money.currency, form, locale, currency_digits=False)


@dataclass(frozen=True, slots=True)
class Data:
    """An amount of data in bytes."""

    count: int


def write_data(data: Data, locale: Locale) -> str:
    """An amount in the unit that a person would choose, by thousands: `840 kB`, `1.25 GB`, `1,25 ГБ`."""
    amount, unit = Decimal(data.count) / _THOUSAND, _DATA_UNITS[0]
    for following in _DATA_UNITS[1:]:
        if amount < _THOUSAND:
            break
        amount, unit = amount / _THOUSAND, following
    places = Decimal("0.01") if unit != _DATA_UNITS[0] else Decimal(1)
    # Down, or the last byte of a limit would look used before it is.
    rounded = amount.quantize(places, ROUND_DOWN).normalize()
    return str(format_unit(rounded, f"digital-{unit}", "short", locale=locale))


def write_language(code: str) -> str:
    """A language as it calls itself: `English`, `Русский`."""
    name = Locale.parse(code, sep="-").get_display_name() or code
    return name[0].upper() + name[1:]


def write_zone(zone: tzinfo | str, locale: Locale) -> str:
    """A time zone by its city: `Moscow`."""
    return get_timezone_location(zone, locale, return_city=True)


def write_date(day: date, locale: Locale) -> str:
    """A day: `December 24, 2026`."""
    return format_date(day, "long", locale)


def write_moment(moment: datetime, locale: Locale, zone: tzinfo) -> str:
    """Date and time of day where the reader is, with the zone's city: `December 24, 2026, 12:42 AM (Moscow)`."""
    local = moment.astimezone(zone)
    date = format_date(local, "long", locale)
    time = format_time(local, "short", zone, locale)
    both = str(get_datetime_format("long", locale)).replace("'", "").replace("{0}", time).replace("{1}", date)
    return f"{both} ({write_zone(zone, locale)})"
