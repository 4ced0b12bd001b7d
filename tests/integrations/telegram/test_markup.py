"""Telegram takes what we take: compared with a server that refuses what Telegram refuses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.telegram.markup import flaw_of
from integrations.telegram.sandbox.entities import parse_html, utf16_length

LIMIT = 20

pieces = st.sampled_from(
    [
        "<b>",
        "</b>",
        "<i>",
        "</i>",
        '<a href="https://a.b">',
        "</a>",
        "<a>",
        "<x>",
        "<",
        ">",
        "&",
        "&lt;",
        "😀",
        "hi",
    ]
)


@given(st.lists(pieces, max_size=12).map("".join))
def test_what_has_no_flaw_is_taken_by_telegram(text: str) -> None:
    if flaw_of(text, LIMIT) is None:
        plain, _ = parse_html(text)
        assert 0 < utf16_length(plain) <= LIMIT


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ("<b>new</b> &amp; <i>good</i>", None),
        ('<a href="https://vpn.example">here</a>', None),
        ("<b>new", "<b> is not closed"),
        ("new</b>", "closes nothing"),
        ("<b><i>new</b></i>", "closes nothing"),
        ("1 < 2", "write &lt;"),
        ("<h1>new</h1>", "no tag of Telegram's"),
        ("<a>here</a>", "expected a link"),
        ("<b> </b>", "0 characters"),
        ("x" * 21, "21 characters, expected 1 to 20"),
    ],
)
def test_a_flaw_is_said_in_one_sentence(text: str, flaw: str | None) -> None:
    found = flaw_of(text, LIMIT)
    assert found is None if flaw is None else flaw in str(found)
