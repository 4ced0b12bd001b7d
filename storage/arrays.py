"""Arrays as PostgreSQL writes them: `{1,2,NULL}`, `{"a","b"}`.

psycopg makes the same text element by element, with regular expressions: for a batch of purchases that took longer than
deciding them. What is wrong in a value (a NUL byte, half a surrogate pair) is found by psycopg or the server as ever.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final


def _text(values: Sequence[str]) -> str:
    inside = '","'.join(values)
    if "\\" in inside or inside.count('"') != 2 * (len(values) - 1):
        escaped = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
        inside = '","'.join(escaped)
    return f'"{inside}"'


def _plain(written: Callable[[Any], str]) -> Callable[[Sequence[Any]], str]:
    return lambda values: ",".join(map(written, values))


#: Most of the moments in a batch are one and the same.
_moment: Final = lru_cache(maxsize=256)(datetime.isoformat)

_WRITTEN: Final[dict[str, Callable[[Sequence[Any]], str]]] = {
    "bigint": _plain(str),
    "text": _text,
    "boolean": _plain("ft".__getitem__),
    "timestamptz": _plain(_moment),
    "uuid": _plain(str),
}


def array(kind: str, values: Sequence[object]) -> str:
    """The values as the text of an array of this type; None is NULL."""
    written = _WRITTEN[kind]
    if None not in values:
        inside = written(values) if values else ""
    elif values.count(None) == len(values):
        inside = ",".join(["NULL"] * len(values))
    else:
        inside = ",".join(["NULL" if value is None else written([value]) for value in values])
    return f"{{{inside}}}"
