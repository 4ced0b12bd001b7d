"""What is sold has a title in every language that the operator wrote one in."""

from dataclasses import replace

import pytest

from tests.storage.shop import CATALOGUE

MONTH = replace(CATALOGUE.plans["month"], titles={"en": "1 month", "ru": "1 месяц", "pt": "1 mês"})
SHOP = replace(CATALOGUE, plans={"month": MONTH})


@pytest.mark.parametrize(
    ("language", "title"),
    [("ru", "1 месяц"), ("ru-RU", "1 месяц"), ("pt-br", "1 mês"), ("de", "1 month"), ("", "1 month")],
)
def test_a_title_is_read_in_a_language_with_or_without_its_region(language: str, title: str) -> None:
    assert SHOP.title_in(language, "1 month") == title


def test_the_title_of_something_that_is_not_sold_any_more_stays_what_it_was() -> None:
    assert SHOP.title_in("ru", "last year's plan") == "last year's plan"
