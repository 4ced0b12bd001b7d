"""Formatted text: Telegram's HTML in, text with entities out, and back to HTML for people and scripts.

Entities count UTF-16 code units, so an emoji outside the basic plane counts two. The refusals and their byte
offsets are Telegram's: a bot that forgets to escape a name must fail here as it fails there.
"""

import html
import re
from collections.abc import Iterable
from typing import Final

import msgspec

from integrations.telegram.sandbox.errors import bad_request
from integrations.telegram.sandbox.wire import Entity

_TYPES: Final = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "span": "spoiler",
    "tg-spoiler": "spoiler",
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "tg-emoji": "custom_emoji",
}
_TAGS: Final = {
    "bold": "b",
    "italic": "i",
    "underline": "u",
    "strikethrough": "s",
    "spoiler": "tg-spoiler",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "expandable_blockquote": "blockquote",
}
_NAMED: Final = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_REFERENCE: Final = re.compile(r"&(?:(lt|gt|amp|quot)|#(\d+)|#x([0-9a-fA-F]+));?")
_TAG: Final = re.compile(r"<([^\s>]*)\s*")
_END_TAG: Final = re.compile(r"</([^\s>]*)\s*")
_ATTRIBUTE: Final = re.compile(r"([^\s=>]*)\s*")
#: Quoted, or a name token; an unclosed quote runs to the end of the text.
_VALUE: Final = re.compile(r"""=\s*("[^"]*"?|'[^']*'?|[a-zA-Z0-9.-]*)\s*""")
_LINK: Final = re.compile(r"^(?:https?|tg|tonsite|ton)://\S+$|^mailto:\S+$", re.IGNORECASE)
_FOUND: Final = re.compile(
    r"(?P<url>https?://[^\s<>\"]*[^\s<>\".,:;!?)'])"
    r"|(?<![\w/<>])(?P<bot_command>/[a-zA-Z0-9_]{1,64}(?:@\w{3,32})?)(?![\w/<>])"
    r"|(?<!\w)(?P<mention>@[a-zA-Z]\w{3,31})\b"
    r"|(?<!\w)(?P<hashtag>#\w*[^\W\d]\w*)"
)


class _Open(msgspec.Struct):
    tag: str
    attributes: dict[str, str]
    offset: int
    place: int


def utf16_length(text: str) -> int:
    """How many UTF-16 code units the text takes."""
    return len(text.encode("utf-16-le")) // 2


def parse_html(source: str) -> tuple[str, list[Entity]]:
    """The plain text and the entities of Telegram's HTML; raises `BotApiError` as Telegram does."""
    return _HtmlReader(source).read()


def find_entities(text: str, taken: Iterable[Entity] = ()) -> list[Entity]:
    """The links, commands, mentions and hashtags that Telegram sees by itself, outside code and links."""
    closed = [e for e in taken if e.type in {"code", "pre", "text_link"}]
    found = []
    for match in _FOUND.finditer(text):
        kind = str(match.lastgroup)
        offset, length = utf16_length(text[: match.start()]), utf16_length(match.group())
        if not any(e.offset < offset + length and offset < e.offset + e.length for e in closed):
            found.append(Entity(type=kind, offset=offset, length=length))
    return found


def to_html(text: str, entities: Iterable[Entity]) -> str:
    """The text as HTML that `parse_html` reads back; what Telegram finds by itself stays plain."""
    units = text.encode("utf-16-le")
    opened: dict[int, list[str]] = {}
    closed: dict[int, list[str]] = {}
    for entity in sorted(entities, key=lambda e: (e.offset, -e.length)):
        start, end = _tags(entity)
        opened.setdefault(entity.offset, []).append(start)
        closed.setdefault(entity.offset + entity.length, []).insert(0, end)
    parts, last = [], 0
    for at in sorted({*opened, *closed, len(units) // 2}):
        parts.append(html.escape(units[2 * last : 2 * at].decode("utf-16-le"), quote=False))
        parts += [*closed.get(at, ()), *opened.get(at, ())]
        last = at
    return "".join(parts)


def _tags(entity: Entity) -> tuple[str, str]:
    if entity.type == "text_link":
        return f'<a href="{html.escape(entity.url or "")}">', "</a>"
    tag = _TAGS.get(entity.type)
    if tag is None:
        return "", ""
    if entity.type == "pre" and entity.language:
        return f'<pre><code class="language-{html.escape(entity.language)}">', "</code></pre>"
    if entity.type == "expandable_blockquote":
        return "<blockquote expandable>", "</blockquote>"
    return f"<{tag}>", f"</{tag}>"


class _HtmlReader:
    """One pass over the source; what is open stands in a stack, entities in the order in which they opened."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0
        self._parts: list[str] = []
        self._length = 0
        self._open: list[_Open] = []
        self._entities: list[Entity | None] = []

    def read(self) -> tuple[str, list[Entity]]:
        while self._at < len(self._source):
            character = self._source[self._at]
            if character == "<" and self._source.startswith("</", self._at):
                self._end_tag()
            elif character == "<":
                self._start_tag()
            elif character == "&":
                self._reference()
            else:
                self._append(character, 1)
        if self._open:
            raise _refusal(f'Can\'t find end tag corresponding to start tag "{self._open[-1].tag}"')
        return _trimmed("".join(self._parts), [e for e in self._entities if e is not None])

    def _append(self, text: str, consumed: int) -> None:
        self._parts.append(text)
        self._length += 1 + (ord(text) > 0xFFFF)
        self._at += consumed

    def _reference(self) -> None:
        match = _REFERENCE.match(self._source, self._at)
        if match is None:
            self._append("&", 1)
            return
        named, decimal, hexadecimal = match.groups()
        code = ord(_NAMED[named]) if named else int(decimal or hexadecimal, 10 if decimal else 16)
        if code == 0 or code > 0x10FFFF or 0xD800 <= code < 0xE000:
            self._append("&", 1)
        else:
            self._append(chr(code), len(match.group()))

    def _start_tag(self) -> None:
        where = f"at byte offset {self._bytes(self._at)}"
        tag, at = self._take(_TAG, self._at)
        tag = tag.lower()
        if at == len(self._source):
            raise _refusal(f"Unclosed start tag {where}")
        if tag not in _TYPES:
            raise _refusal(f'Unsupported start tag "{tag}" {where}')
        attributes: dict[str, str] = {}
        while not self._source.startswith(">", at):
            name, at = self._take(_ATTRIBUTE, at)
            if at == len(self._source):
                raise _refusal(f'Unclosed start tag "{tag}" {where}')
            if not name:
                raise _refusal(f'Empty attribute name in the tag "{tag}" {where}')
            if self._source.startswith("=", at):
                value, at = self._take(_VALUE, at)
                if at == len(self._source):
                    raise _refusal(f'Unclosed start tag "{tag}" {where}')
                attributes[name.lower()] = html.unescape(value.strip("\"'"))
            elif name.lower() == "expandable":
                attributes["expandable"] = ""
            else:
                raise _refusal(
                    f'Expected equal sign in declaration of an attribute of the tag "{tag}" {where}'
                )
        if tag == "span" and attributes.get("class") != "tg-spoiler":
            raise _refusal(f'Tag "span" must have class "tg-spoiler" {where}')
        self._open.append(_Open(tag, attributes, self._length, len(self._entities)))
        self._entities.append(None)
        self._at = at + 1

    def _take(self, pattern: re.Pattern[str], at: int) -> tuple[str, int]:
        """The first group of a pattern that always matches, and where the match ends."""
        match = pattern.match(self._source, at)
        assert match is not None, f"{pattern.pattern} matches the empty text"
        return match[1] or "", match.end()

    def _end_tag(self) -> None:
        where = f"at byte offset {self._bytes(self._at)}"
        if not self._open:
            raise _refusal(f"Unexpected end tag {where}")
        found, at = self._take(_END_TAG, self._at)
        if not self._source.startswith(">", at):
            raise _refusal(f"Unclosed end tag {where}")
        opened = self._open.pop()
        found = found.lower()
        if found not in {"", opened.tag}:
            raise _refusal(f'Unmatched end tag {where}, expected "</{opened.tag}>", found "</{found}>"')
        self._at = at + 1
        self._entities[opened.place] = _entity(opened, self._length, "".join(self._parts))

    def _bytes(self, at: int) -> int:
        return len(self._source[:at].encode())


def _entity(opened: _Open, end: int, text: str) -> Entity | None:
    length = end - opened.offset
    if length == 0:
        return None
    kind = _TYPES[opened.tag]
    entity = Entity(type=kind, offset=opened.offset, length=length)
    if kind == "text_link":
        inside = text.encode("utf-16-le")[2 * opened.offset :].decode("utf-16-le")
        entity.url = opened.attributes.get("href") or inside
        return entity if _LINK.match(entity.url) else None
    if kind == "blockquote" and "expandable" in opened.attributes:
        entity.type = "expandable_blockquote"
    if kind == "code" and opened.attributes.get("class", "").startswith("language-"):
        entity.language = opened.attributes["class"].removeprefix("language-")
    if kind == "custom_emoji":
        entity.custom_emoji_id = opened.attributes.get("emoji-id")
        return entity if entity.custom_emoji_id else None
    return entity


def _trimmed(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """Without the white space at both ends, the entities cut to what is left, `<pre><code>` made one."""
    left = utf16_length(text) - utf16_length(text.lstrip())
    text = text.strip()
    end = utf16_length(text)
    kept: list[Entity] = []
    for entity in entities:
        start = max(entity.offset - left, 0)
        entity.length = min(entity.offset + entity.length - left, end) - start
        entity.offset = start
        outer = kept[-1] if kept else None
        if entity.type == "code" and outer and outer.type == "pre" and _same_place(outer, entity):
            outer.language = entity.language
        elif entity.length > 0:
            if entity.type == "code":
                entity.language = None
            kept.append(entity)
    return text, kept


def _same_place(one: Entity, other: Entity) -> bool:
    return (one.offset, one.length) == (other.offset, other.length)


def _refusal(reason: str) -> Exception:
    return bad_request(f"can't parse entities: {reason}")
