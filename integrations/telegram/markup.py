"""Whether Telegram will take a text in its HTML: found before thousands of people are not written to."""

import html
import re
from typing import Final

#: The tags that Telegram knows, with the one attribute that each needs or may have.
_TAGS: Final = frozenset(
    (
        "b",
        "strong",
        "i",
        "em",
        "u",
        "ins",
        "s",
        "strike",
        "del",
        "tg-spoiler",
        "code",
        "pre",
        "blockquote",
        "a",
    )
)
_TAG: Final = re.compile(r'<(?P<end>/?)(?P<name>[a-z-]+)(?P<attributes>(?:\s+[a-z-]+="[^"<>]*")*)\s*>')
_HREF: Final = re.compile(r'\s+href="(?:https?|tg|mailto):[^"\s]+"')


def flaw_of(text: str, limit: int) -> str | None:
    """One sentence that says why Telegram would refuse this text; None if it takes it.

    `limit` is how many UTF-16 units it may have without its tags.
    """
    opened: list[str] = []
    plain, at = "", 0
    while (found := text.find("<", at)) >= 0:
        plain, tag = plain + text[at:found], _TAG.match(text, found)
        if tag is None or tag["name"] not in _TAGS:
            return f"{text[found : found + 20]!r} is no tag of Telegram's; write &lt; for a plain <"
        name = tag["name"]
        if tag["end"] and (not opened or opened.pop() != name):
            return f"</{name}> closes nothing: expected each tag to be closed in the order in which it was opened"
        if not tag["end"]:
            opened.append(name)
            if name == "a" and not _HREF.fullmatch(tag["attributes"]):
                return 'expected a link to be <a href="https://…">'
        at = tag.end()
    if opened:
        return f"<{opened[-1]}> is not closed"
    length = len(html.unescape(plain + text[at:]).strip().encode("utf-16-le")) // 2
    if not 0 < length <= limit:
        return f"the text has {length} characters, expected 1 to {limit}"
    return None
