"""A tap in the wire to PostgreSQL: it passes everything on until it is told to lose an answer, or to stand still."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

import trio
from psycopg.conninfo import conninfo_to_dict, make_conninfo


@dataclass(slots=True)
class WireTap:
    """Sessions go through `conninfo`; those that exist are cut or frozen by the fields."""

    conninfo: str
    #: The answer with these bytes is lost, and the connection with it; once.
    lose: bytes = b""
    lost: trio.Event = field(default_factory=trio.Event)
    #: While it is there, what is sent waits for it and is lost, as behind a link that was cut.
    thaw: trio.Event | None = None

    async def pass_on(self, source: trio.SocketStream, sink: trio.SocketStream, *, answers: bool) -> None:
        async for part in source:
            if (thaw := self.thaw) is not None:
                await thaw.wait()
                return
            if answers and self.lose and self.lose in part:
                self.lose = b""
                self.lost.set()
                return
            await sink.send_all(part)


@asynccontextmanager
async def tapped(conninfo: str) -> AsyncIterator[WireTap]:
    """Put a tap before the server of a connection string."""
    given = conninfo_to_dict(conninfo)
    server = f"{given['host']}/.s.PGSQL.{given['port']}"

    async def serve(client: trio.SocketStream) -> None:
        async with await trio.open_unix_socket(server) as backend, trio.open_nursery() as nursery:

            async def direct(source: trio.SocketStream, sink: trio.SocketStream, answers: bool) -> None:
                with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                    await tap.pass_on(source, sink, answers=answers)
                nursery.cancel_scope.cancel()

            nursery.start_soon(direct, client, backend, False)
            nursery.start_soon(direct, backend, client, True)

    async with trio.open_nursery() as nursery:
        [listener] = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
        port = listener.socket.getsockname()[1]
        plain = {"sslmode": "disable", "gssencmode": "disable"}
        tap = WireTap(make_conninfo("", **{**given, "host": "127.0.0.1", "port": port, **plain}))
        yield tap
        nursery.cancel_scope.cancel()
