"""Why the database does not take what is written: which errors pass by themselves, and what to tell an operator."""

from typing import Final

import psycopg
from psycopg import errors

from storage.errors import StorageError

#: The connection, the server, or the server's disk; not what was written. `ClaimHeld` and `ClaimLost` do not pass.
PASSING: Final = (psycopg.OperationalError, psycopg.InternalError, StorageError)

_FULL: Final = (
    "the database's disk is full: make room on it; until then nothing is written, then it goes on by itself"
)
_READ_ONLY: Final = (
    "the database is read-only: let it be written to, or name one that may be; then it goes on by itself"
)


def hindrance(error: Exception) -> str:
    """One sentence about an error of `PASSING`: what was found, and what to do."""
    match error:
        case errors.DiskFull():
            return _FULL
        case errors.ReadOnlySqlTransaction():
            return _READ_ONLY
        case StorageError():
            return str(error)
        case _:
            said = str(error).partition("\n")[0]
            return f"the database does not take what is written ({said}): look at its log; it is tried again"
