"""Where a connection string leads to: one libpq connection string for each address to try.

libpq looks names up with a call that blocks, so names are resolved here, on Trio, and libpq is given addresses.
"""

import socket
from typing import Final

import trio
from psycopg import ProgrammingError
from psycopg.abc import ConnDict
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from storage.errors import StorageError

_DEFAULT_PORT: Final = "5432"


class DatabaseUnreachable(StorageError):
    """No connection to the database could be made."""


async def addresses(conninfo: str) -> list[str]:
    """Every address that `conninfo` names, in its order; raises `DatabaseUnreachable` if there is none.

    Several hosts are separated by commas, as in libpq. The text of the error never repeats `conninfo`: it may
    hold a password.
    """
    try:
        parameters = conninfo_to_dict(conninfo)
    except ProgrammingError:
        raise DatabaseUnreachable(
            "the database address is not a connection string of PostgreSQL: "
            "expected 'postgresql://user@host/dbname' or 'host=… user=… dbname=…'"
        ) from None
    return [make_conninfo("", **each) for host in _hosts(parameters) for each in await _resolved(host)]


def _hosts(parameters: ConnDict) -> list[ConnDict]:
    hosts = str(parameters.get("host") or "").split(",")
    ports = str(parameters.get("port") or _DEFAULT_PORT).split(",")
    if parameters.get("hostaddr") or len(hosts) == 1:
        return [parameters]
    if len(ports) not in (1, len(hosts)):
        raise DatabaseUnreachable(
            f"the database address names {len(hosts)} hosts and {len(ports)} ports: expected one port, or one each"
        )
    each_port = ports * len(hosts) if len(ports) == 1 else ports
    return [{**parameters, "host": host, "port": port} for host, port in zip(hosts, each_port, strict=True)]


async def _resolved(parameters: ConnDict) -> list[ConnDict]:
    host = str(parameters.get("host") or "")
    if not host or host.startswith("/") or parameters.get("hostaddr"):
        return [parameters]
    try:
        found = await trio.socket.getaddrinfo(host, parameters.get("port"), type=socket.SOCK_STREAM)
    except OSError as error:
        raise DatabaseUnreachable(
            f"the database host {host!r} was not found ({error.strerror}): check the name in the database address"
        ) from None
    return [{**parameters, "hostaddr": str(address[0])} for *_, address in found]
