"""How far administrators have been told."""

from msgspec import Struct


class NoticeMark(Struct, frozen=True, gc=False):
    """Up to where administrators know of one kind of thing: the number of a row, or of a day."""

    name: str
    position: int
