"""Words in a reader's language: what is put into them stays what it is, money and dates as the language writes them."""

from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import pytest
from markupsafe import Markup

from actors.words import Data, Languages, MalformedWords, Recipient, Words, all_languages, words_in
from actors.words.languages import parse
from domain.money import Money

LATE = datetime(2026, 12, 23, 21, 42, tzinfo=UTC)


def words(language: str | None, time_zone: str | None = None) -> Words:
    return words_in(Recipient(language, time_zone), language="en", time_zone="UTC")


def spaced(text: str) -> str:
    """With plain spaces for those that do not break."""
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")


@pytest.mark.requirement("N8")
def test_what_is_put_into_a_text_is_escaped_and_markup_is_not() -> None:
    title = "<b>Tom & 'Jerry'</b>"
    assert "<b>&lt;b&gt;Tom &amp; &#39;Jerry&#39;&lt;/b&gt;</b>" in words("en")("already-paid", title=title)
    assert "<b><i>x</i></b>" in words("en")("already-paid", title=Markup("<i>x</i>"))


def test_buttons_hold_plain_text() -> None:
    assert words("en").plain("button-top-up-by", title="R&B <3") == "➕ R&B <3"


@pytest.mark.parametrize("name", ["דנה", "أحمد", "evil \u202e name", "open \u2067 isolate"])
def test_a_name_that_runs_from_right_to_left_does_not_turn_the_text_around_it(name: str) -> None:
    assert f"Hello, <b>\u2068{name}\u2069</b>!" in words("en")("home", name=name, shop="x")


def test_a_name_that_runs_from_left_to_right_gets_no_invisible_characters() -> None:
    assert "Hello, <b>Zoë 😀</b>!" in words("en")("home", name="Zoë 😀", shop="x")


@pytest.mark.requirement("N8")
@pytest.mark.parametrize(
    ("language", "minor", "currency", "written"),
    [
        ("en", 19900, "RUB", "199 ₽"),
        ("en", 199050, "RUB", "1,990.50 ₽"),
        ("ru", 199050, "RUB", "1 990,50 ₽"),
        ("en", 500, "USD", "$5"),
        ("en", 5, "USD", "$0.05"),
        ("ru", 500, "USD", "5 $"),
        ("en", -1250, "EUR", "-€12.50"),
        ("ru", 150, "XTR", "150 ⭐"),
        ("en", 12000, "XTR", "12,000 ⭐"),
        ("ru", 500, "BYN", "5 BYN"),
        ("en", 2_500_000, "USDT", "2.50 USDT"),
        ("ru", 2_500, "BTC", "0,000025 BTC"),
    ],
)
def test_money_is_written_as_the_language_writes_it(
    language: str, minor: int, currency: str, written: str
) -> None:
    assert spaced(words(language).money(Money(minor, currency))) == written


@pytest.mark.requirement("N8")
@pytest.mark.parametrize(
    ("language", "time_zone", "written"),
    [
        ("en", None, "December 23, 2026, 9:42 PM (UTC)"),
        ("en", "Europe/Moscow", "December 24, 2026, 12:42 AM (Moscow)"),
        ("ru", "Europe/Moscow", "24 декабря 2026 г., 00:42 (Москва)"),
        ("ru", "America/New_York", "23 декабря 2026 г., 16:42 (Нью-Йорк)"),
        ("ru", None, "23 декабря 2026 г., 21:42 (UTC)"),
    ],
)
def test_a_moment_is_the_readers_own_date_and_time(
    language: str, time_zone: str | None, written: str
) -> None:
    assert spaced(words(language, time_zone).moment(LATE)) == written


@pytest.mark.parametrize(
    ("language", "count", "written"),
    [
        ("en", 0, "0 kB"),
        ("en", 999, "0 kB"),
        ("en", 999_999, "999 kB"),
        ("en", 1_250_000_000, "1.25 GB"),
        ("ru", 1_250_000_000, "1,25 ГБ"),
        ("en", 99_999_999_999, "99.99 GB"),
        ("en", 100_000_000_000, "100 GB"),
        ("ru", 12_345_000_000_000_000, "12 345 ТБ"),
    ],
)
def test_data_are_written_as_the_language_writes_them_and_never_more_than_there_are(
    language: str, count: int, written: str
) -> None:
    text = words(language).plain("page-traffic-so-far", used=Data(count))
    assert spaced(text).partition(": ")[2] == written


@pytest.mark.parametrize(
    ("code", "default", "language"),
    [
        ("ru", "en", "ru"),
        ("RU", "en", "ru"),
        ("ru-RU", "en", "ru"),
        ("en_GB", "ru", "en"),
        ("pt-br", "ru", "ru"),
        (None, "ru", "ru"),
        ("", "ru", "ru"),
        ("../../etc", "en", "en"),
        (None, "gone", "en"),
    ],
)
def test_a_code_of_telegrams_finds_its_language_or_the_shops(
    code: str | None, default: str, language: str
) -> None:
    assert all_languages().named(code, default) == language


def test_a_language_is_added_by_one_file_and_another_speaks_where_it_lacks_words(tmp_path: Path) -> None:
    for file in files("actors.words").iterdir():
        if file.name.endswith(".ftl"):
            (tmp_path / file.name).write_text(file.read_text(encoding="utf-8"))
    (tmp_path / "de.ftl").write_text("paid-connected = Bezahlt: { $title } für { $price }, bis { $until }\n")
    three = Languages(tmp_path)
    german = three.words_in(Recipient("de-AT", "Europe/Vienna"), language="ru", time_zone="UTC")
    assert three.codes == ("de", "en", "ru")
    said = german("paid-connected", title="1 Monat", price=Money(199050, "EUR"), until=LATE)
    assert spaced(said) == "Bezahlt: 1 Monat für 1.990,50 €, bis 23. Dezember 2026, 22:42 (Wien)"
    assert german.plain("button-plans") == "🛒 Тарифы"


def test_words_that_no_language_has_are_an_error_with_their_name() -> None:
    with pytest.raises(LookupError, match="no language has words for 'no-such-words'"):
        words("ru")("no-such-words")
    with pytest.raises(LookupError, match="Unknown external: price"):
        words("ru")("ways-to-pay", title="x")


def test_a_file_that_cannot_be_read_is_named_with_the_line() -> None:
    with pytest.raises(MalformedWords, match=r"^de\.ftl:2: "):
        parse("de.ftl", "home = Hallo\nplans Tarife\n")
