"""Arrays as text mean to PostgreSQL what they mean to us."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import psycopg
import pytest

from storage.arrays import array
from tests.fixtures.postgres import Database

NOON = datetime(2026, 11, 23, 12, 0, 0, 250, tzinfo=timezone(timedelta(hours=3)))

_VALUES: dict[str, list[object]] = {
    "bigint": [0, -1, 2**63 - 1, -(2**63)],
    "text": [
        "",
        "plain",
        'a"b',
        "a\\b",
        'a","b',
        "{1,2}",
        "NULL",
        "a,b",
        " a ",
        "tab\tand\nline",
        "ключ 🔑",
        "'",
    ],
    "boolean": [True, False],
    "timestamptz": [
        NOON,
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    ],
    "uuid": [UUID(int=0), UUID("11111111-2222-4333-8444-555555555555")],
}


@pytest.mark.parametrize("kind", sorted(_VALUES))
def test_what_is_written_is_what_the_server_reads(database: Database, kind: str) -> None:
    values = _VALUES[kind]
    cases: list[list[object]] = [
        [],
        values,
        [None],
        [None] * 3,
        [*values, None],
        [None, *values],
        *([value] for value in values),
    ]
    with psycopg.connect(database.reader, autocommit=True) as reader:
        reader.execute("SET TimeZone = 'UTC'")
        for case in cases:
            row = reader.execute(f"SELECT %s::{kind}[]".encode(), [array(kind, case)]).fetchone()
            assert row == (case,)


def test_a_nul_byte_is_refused_before_anything_is_sent(database: Database) -> None:
    with psycopg.connect(database.reader) as reader, pytest.raises(psycopg.DataError, match="NUL"):
        reader.execute("SELECT %s::text[]", [array("text", ["a\0b"])])
