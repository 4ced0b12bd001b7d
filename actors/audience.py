"""Whom a broadcast is for, read from the database: how many they are, and who they are, a page at a time.

A page is so many people in the order in which they came, whoever of them is meant: so reading one costs the same
whatever part of everybody that is.
"""

from dataclasses import dataclass
from typing import Final, LiteralString

from actors.reading import Reading
from actors.words import languages
from domain.entities import BroadcastAudience

#: Whether somebody (`u`, with their subscription `s`, if any) is meant.
_MEANT: Final[LiteralString] = """
    u.unreachable_since IS NULL
    AND CASE %(audience)s
        WHEN 'without' THEN s.status IS DISTINCT FROM 'active'
        WHEN 'active' THEN s.status = 'active' AND NOT s.trial
        WHEN 'trial' THEN s.status = 'active' AND s.trial
        WHEN 'expired' THEN s.status = 'expired'
        WHEN 'listed' THEN EXISTS (
            SELECT FROM listings WHERE broadcast_id = %(broadcast)s AND listings.user_id = u.id)
        ELSE true END
    AND (%(plan)s::text IS NULL OR s.item = 'plan:' || %(plan)s)
    AND (%(node)s::text IS NULL OR EXISTS (
        SELECT FROM provisions AS p WHERE p.subscription_id = s.id AND p.node = %(node)s AND p.present))
    AND (%(language)s::text IS NULL OR %(language)s = CASE
        WHEN lower(replace(coalesce(u.chosen_language, u.language), '_', '-')) = ANY (%(languages)s)
            THEN lower(replace(coalesce(u.chosen_language, u.language), '_', '-'))
        WHEN lower(substring(coalesce(u.chosen_language, u.language) FROM '^[^-_]+')) = ANY (%(languages)s)
            THEN lower(substring(coalesce(u.chosen_language, u.language) FROM '^[^-_]+'))
        ELSE %(default)s END)
"""

_REACH: Final = (
    """
    SELECT count(*) FILTER (WHERE """  # noqa: S608 - joined of constants
    + _MEANT
    + """) AS people, coalesce(max(u.number), 0) AS last_number
    FROM users AS u LEFT JOIN subscriptions AS s ON s.user_id = u.id
"""
)

_PAGE: Final = (
    """
    SELECT u.id, u.number, """  # noqa: S608 - joined of constants
    + _MEANT
    + """
        AND NOT EXISTS (SELECT FROM outbox WHERE key = 'broadcast:' || %(broadcast)s || ':' || u.id) AS meant
    FROM (SELECT * FROM users WHERE number > %(after)s AND number <= %(last)s ORDER BY number LIMIT %(limit)s) AS u
        LEFT JOIN subscriptions AS s ON s.user_id = u.id
    ORDER BY u.number
"""
)


@dataclass(frozen=True, slots=True)
class Aim:
    """What says whom a broadcast is for; for a draft that is not made yet, its number is 0."""

    audience: BroadcastAudience = BroadcastAudience.EVERYONE
    plan: str | None = None
    language: str | None = None
    node: str | None = None
    broadcast_id: int = 0


@dataclass(frozen=True, slots=True)
class Reach:
    """How many people are meant now, and the number of the last who has come."""

    people: int
    last_number: int


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person by their number; `meant` if the broadcast is for them and they have no message of it yet."""

    id: int
    number: int
    meant: bool


class AudienceReader:
    """Reads for an actor; `default` is the language of people of whom we know none. Methods raise `DatabaseAway`."""

    def __init__(self, readers: Reading, reader: str, *, default: str) -> None:
        self._readers = readers
        self._reader = reader
        self._default = default

    async def reach(self, aim: Aim) -> Reach:
        """How many it is for now."""
        found = await self._readers.fetch_one(Reach, _REACH, self._parameters(aim), reader=self._reader)
        assert found is not None, "an aggregate always gives a row"
        return found

    async def page(self, aim: Aim, after: int, last: int, limit: int) -> list[Somebody]:
        """The next `limit` people with numbers above `after` and up to `last`."""
        parameters = {**self._parameters(aim), "after": after, "last": last, "limit": limit}
        return await self._readers.fetch(Somebody, _PAGE, parameters, reader=self._reader)

    def _parameters(self, aim: Aim) -> dict[str, object]:
        return {
            "audience": aim.audience.value,
            "plan": aim.plan,
            "language": aim.language,
            "node": aim.node,
            "broadcast": aim.broadcast_id,
            "languages": list(languages()),
            "default": self._default,
        }
