"""Comparing a week with what it should have been: each message once and in time, and what everybody has."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import zip_longest
from typing import Any, Final

import psycopg

from storage.invariants import INVARIANTS
from tests.fixtures.postgres import Database
from tests.simulation.sightings import named, spaced
from tests.simulation.stage import Stage
from tests.simulation.table import Expected, Outcome, Told
from tests.simulation.telegram import Sighting

#: A purchase in the chat takes some seconds from its first word to the payment.
_CHAT: Final = timedelta(minutes=2)

_HAS: Final = """
    SELECT u.id, s.expires_at, s.status = 'active' AS active, coalesce(a.credits - a.debits, 0) AS balance
    FROM users u LEFT JOIN subscriptions s ON s.user_id = u.id
        LEFT JOIN accounts a ON a.owner = u.id AND a.kind = 'balance' AND a.currency = 'RUB'
"""
_NAMES: Final = """
    SELECT format('s%s', s.id) FROM subscriptions s WHERE status = 'active'
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is not as it should be: a sentence, and what it is about."""

    about: str
    sentence: str

    def __str__(self) -> str:
        return self.sentence


#: What faults are about that are not about a kind of message.
ACCESS: Final = "access"
BOOKS: Final = "books"
TWICE: Final = "twice"
WORDS: Final = "words"


def faults_of_messages(table: Expected, seen: Iterable[Sighting]) -> list[Fault]:
    """What did not come, came at another time than it should, in other words, or unexpectedly."""
    awaited: dict[tuple[int, str], list[Told]] = {}
    for told in table.told:
        awaited.setdefault((told.chat, told.kind), []).append(told)
    came: dict[tuple[int, str], list[tuple[str, Sighting]]] = {}
    for sighting in seen:
        kind, language = named(sighting)
        came.setdefault((sighting.chat, kind), []).append((language, sighting))
    return [
        fault
        for key in sorted(awaited.keys() | came.keys())
        for fault in _compared(
            *key, sorted(awaited.get(key, []), key=lambda each: each.at), came.get(key, [])
        )
    ]


def faults_of_counts(table: Expected, seen: Iterable[Sighting]) -> list[Fault]:
    """What did not come as often as it should, whenever that was."""
    awaited = Counter((told.chat, told.kind) for told in table.told)
    came = Counter((sighting.chat, named(sighting)[0]) for sighting in seen)
    return [
        Fault(
            TWICE if came[key] > awaited[key] > 0 else key[1],
            f"{key[0]}: {key[1]} came {came[key]} times, expected {awaited[key]}",
        )
        for key in sorted(awaited.keys() | came.keys())
        if awaited[key] != came[key]
    ]


def _compared(
    chat: int, kind: str, awaited: Sequence[Told], came: Sequence[tuple[str, Sighting]]
) -> Iterator[Fault]:
    what = f"{chat}: {kind}"
    for told, seen in zip_longest(awaited, came):
        if told is None:
            sighting = seen[1]
            yield Fault(TWICE if awaited else kind, f"{what} came at {sighting.at} and was not expected")
        elif seen is None:
            yield Fault(kind, f"{what} was expected on {told.on}, from {told.at} on, and did not come")
        else:
            language, sighting = seen
            if not told.at <= sighting.at <= told.by:
                expected = f"and was expected from {told.at} to {told.by}"
                yield Fault(kind, f"{what} came at {sighting.at} {expected}")
            if language != told.language or not told.is_said_by(spaced(sighting.text)):
                yield Fault(WORDS, f"{what} should speak {told.language} of {told.of}: {sighting.text}")


def faults_of_access(table: Expected, stage: Stage) -> list[Fault]:
    """Who has something else than they should, and who is on the node and should not be, or the other way."""
    with psycopg.connect(stage.database.owner) as owner:
        has = {row[0]: row[1:] for row in owner.execute(_HAS.encode())}
        active = {name for (name,) in owner.execute(_NAMES.encode())}
    faults = [
        Fault(ACCESS, f"{number} has {has.get(number)}, expected {outcome}")
        for number, outcome in table.outcomes.items()
        if not _is_so(outcome, has.get(number))
    ]
    unequal = sorted(active ^ stage.shelf.there.keys())
    return faults + [
        Fault(ACCESS, f"on the node and not active, or the other way: {name}") for name in unequal
    ]


def _is_so(outcome: Outcome, row: tuple[Any, ...] | None) -> bool:
    if row is None:
        return outcome == Outcome()
    ends_at, active, balance = row
    if (outcome.ends_at is None) != (ends_at is None):
        return False
    in_time = outcome.ends_at is None or timedelta(0) <= ends_at - outcome.ends_at <= _CHAT
    return in_time and (outcome.active, outcome.balance) == (bool(active), balance)


def faults_of_books(database: Database) -> list[Fault]:
    """What `ledger check` would find."""
    with psycopg.connect(database.owner) as owner:
        return [
            Fault(BOOKS, f"{row}: {what}: {found}")
            for row, what, statement in INVARIANTS
            for (found,) in owner.execute(statement.replace("%%", "%").encode())
        ]
