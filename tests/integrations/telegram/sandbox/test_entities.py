"""Formatted text reads as on Telegram: UTF-16 offsets, the same refusals, nothing lost on the way back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.telegram.sandbox.entities import find_entities, parse_html, to_html, utf16_length
from integrations.telegram.sandbox.errors import BotApiError


def spans(source: str) -> list[tuple[str, str]]:
    """The types of the entities with the text that each covers."""
    text, entities = parse_html(source)
    units = text.encode("utf-16-le")
    return [(e.type, units[2 * e.offset : 2 * (e.offset + e.length)].decode("utf-16-le")) for e in entities]


def test_tags_become_entities_over_the_plain_text() -> None:
    assert spans(
        "<b>a</b> <i>b</i> <u>c</u> <s>d</s> <tg-spoiler>e</tg-spoiler> <code>f</code> <pre>g</pre>"
    ) == [
        ("bold", "a"),
        ("italic", "b"),
        ("underline", "c"),
        ("strikethrough", "d"),
        ("spoiler", "e"),
        ("code", "f"),
        ("pre", "g"),
    ]


def test_an_emoji_counts_two_units() -> None:
    text, entities = parse_html("😀 <b>x</b>")
    assert (entities[0].offset, entities[0].length, utf16_length(text)) == (3, 1, 4)


def test_nested_tags_nest() -> None:
    assert spans("<b>one <i>two</i></b>") == [("bold", "one two"), ("italic", "two")]


def test_references_become_characters_and_unknown_ones_stay() -> None:
    assert parse_html("&lt;b&gt; &amp; &quot;&#65;&#x42;&nbsp;&")[0] == '<b> & "AB&nbsp;&'


def test_white_space_at_the_ends_goes_and_entities_follow() -> None:
    text, entities = parse_html("  <b> bold </b>  ")
    assert text == "bold"
    assert [(e.offset, e.length) for e in entities] == [(0, 4)]


def test_a_link_keeps_its_address_and_an_unsafe_one_is_plain_text() -> None:
    _, entities = parse_html('<a href="https://example.com/?a=1&amp;b=2">site</a>')
    assert entities[0].url == "https://example.com/?a=1&b=2"
    assert parse_html('<a href="javascript:alert(1)">x</a>') == ("x", [])


def test_code_in_pre_is_one_block_with_its_language() -> None:
    _, entities = parse_html('<pre><code class="language-python">x = 1</code></pre>')
    assert [(e.type, e.language) for e in entities] == [("pre", "python")]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("<foo>x</foo>", 'Unsupported start tag "foo" at byte offset 0'),
        ("é <3", "Unclosed start tag at byte offset 3"),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        (
            "<a href>x</a>",
            'Expected equal sign in declaration of an attribute of the tag "a" at byte offset 0',
        ),
        ('<a href="x', 'Unclosed start tag "a" at byte offset 0'),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
    ],
)
def test_bad_html_is_refused_in_telegrams_words(source: str, reason: str) -> None:
    with pytest.raises(BotApiError) as refusal:
        parse_html(source)
    assert refusal.value.description == f"Bad Request: can't parse entities: {reason}"


@given(
    st.recursive(
        st.text(alphabet='ab <>&"é😀\n', max_size=8).map(
            lambda t: t.replace("&", "&amp;").replace("<", "&lt;")
        ),
        lambda inner: st.tuples(st.sampled_from(["b", "i", "u", "s", "code"]), inner, inner).map(
            lambda x: f"<{x[0]}>{x[1]}</{x[0]}>{x[2]}"
        ),
        max_leaves=6,
    )
)
def test_formatting_survives_the_way_to_html_and_back(source: str) -> None:
    text, entities = parse_html(source)
    assert parse_html(to_html(text, entities)) == (text, entities)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_and_never_crashes(source: str) -> None:
    try:
        text, entities = parse_html(source)
    except BotApiError:
        return
    assert all(e.offset >= 0 and e.length > 0 and e.offset + e.length <= utf16_length(text) for e in entities)


def test_links_and_commands_are_found_by_themselves() -> None:
    text = "😀 /start see https://example.com/a?b=1. @someone #tag a/b <script>x</script>"
    found = [
        (e.type, text.encode("utf-16-le")[2 * e.offset : 2 * (e.offset + e.length)].decode("utf-16-le"))
        for e in find_entities(text)
    ]
    assert found == [
        ("bot_command", "/start"),
        ("url", "https://example.com/a?b=1"),
        ("mention", "@someone"),
        ("hashtag", "#tag"),
    ]


def test_nothing_is_found_inside_code() -> None:
    text, entities = parse_html("<code>https://example.com /start</code>")
    assert find_entities(text, entities) == []
