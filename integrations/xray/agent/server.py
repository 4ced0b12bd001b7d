"""The agent: lets the shop's panel, and nobody else, reach the Xray of this machine."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
import trio

from integrations.xray.agent.authority import Identity
from integrations.xray.agent.protocol import (
    GREETING_SECONDS,
    Answer,
    Ask,
    Lines,
    LineTooLong,
    line_of,
)
from integrations.xray.agent.steward import Report, Steward
from integrations.xray.keeper import SUFFIX, requests_in

#: Connections whose other side is not known yet; a stranger can hold up no more than so many.
_STRANGERS_MAX: Final = 256

_READ_BYTES: Final = 64 << 10

#: Seconds for a keeper's answer.
_CUT_SECONDS: Final = 10.0


class CannotListen(Exception):
    """The agent's address cannot be had; the message is one sentence with what to do."""


class Agent:
    """One node's agent."""

    def __init__(self, identity: Identity, folder: Path, report: Report = lambda sentence: None) -> None:
        """`folder` belongs to this agent alone; `report` is told what happens to its Xray."""
        self._tls = identity.tls(ssl.PROTOCOL_TLS_SERVER)
        self._folder = folder
        self._report = report
        self._strangers = trio.CapacityLimiter(_STRANGERS_MAX)
        #: Ends the connection to the API that is open: a new one means that the panel has lost it.
        self._api = trio.CancelScope()

    async def run(
        self, host: str, port: int, task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Serve until cancelled; report the port. Raises `CannotListen`."""
        try:
            listeners = await trio.open_tcp_listeners(port, host=host)
        except OSError as error:
            raise CannotListen(
                f"cannot listen on {host} port {port}: {error.strerror or error}; choose with --listen and --port"
            ) from None
        port = listeners[0].socket.getsockname()[1]
        steward = Steward(self._folder, port, self._report)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(steward.run)
            nursery.start_soon(partial(trio.serve_listeners, partial(self._serve, steward), listeners))
            task_status.started(port)

    async def _serve(self, steward: Steward, raw: trio.SocketStream) -> None:
        """One connection, whatever comes on it; what its other side does wrong ends it and nothing else."""
        async with raw:
            with suppress(
                trio.BrokenResourceError, trio.ClosedResourceError, LineTooLong, msgspec.MsgspecError
            ):
                async with self._greeted(raw) as (lines, ask):
                    match ask.what:
                        case "api":
                            await self._pass_on(steward, lines)
                        case "cut":
                            await _cut(steward, lines)
                        case "start":
                            problem = await steward.take(lines)
                            await lines.stream.send_all(line_of(Answer(problem)))
                        case "health":
                            health = steward.health()
                            await lines.stream.send_all(line_of(Answer(health=health)))

    @asynccontextmanager
    async def _greeted(self, raw: trio.SocketStream) -> AsyncIterator[tuple[Lines, Ask]]:
        """Know who it is, in time, then what they want; say goodbye at the end."""
        async with self._strangers:
            with trio.move_on_after(GREETING_SECONDS) as deadline:
                stream = trio.SSLStream(raw, self._tls, server_side=True)
                await stream.do_handshake()
                lines = Lines(stream)
                ask = msgspec.json.decode(await lines.next(), type=Ask)
        if deadline.cancelled_caught:
            raise trio.BrokenResourceError("nothing was asked in time")
        yield lines, ask
        with trio.move_on_after(GREETING_SECONDS):
            await stream.aclose()

    async def _pass_on(self, steward: Steward, lines: Lines) -> None:
        """Be the connection to the API."""
        try:
            api = await trio.open_unix_socket(steward.api_socket)
        except OSError:
            problem = steward.health().problem or "Xray is just being started"
            await lines.stream.send_all(line_of(Answer(f"its Xray does not run: {problem}")))
            return
        self._api.cancel()
        with trio.CancelScope() as self._api:
            async with api, trio.open_nursery() as nursery:
                await lines.stream.send_all(line_of(Answer()))
                nursery.start_soon(_copy, lines.stream, api, nursery.cancel_scope)
                nursery.start_soon(_copy, api, lines.stream, nursery.cancel_scope)


async def _cut(steward: Steward, lines: Lines) -> None:
    """Pass a request to the keeper, and remember whom it removes."""
    request = await lines.next()
    try:
        emails = [email for email, _ in requests_in(request)]
    except ValueError:
        return
    await steward.store.note_removed(emails)
    with trio.move_on_after(_CUT_SECONDS):
        try:
            keeper = await trio.open_unix_socket(f"{steward.api_socket}{SUFFIX}")
        except OSError:
            return
        async with keeper:
            await keeper.send_all(request + b"\n")
            async for part in keeper:
                await lines.stream.send_all(part)


async def _copy(source: trio.abc.Stream, target: trio.abc.Stream, both: trio.CancelScope) -> None:
    """Carry bytes one way until an end comes, then end both ways."""
    with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        while part := await source.receive_some(_READ_BYTES):
            await target.send_all(part)
    both.cancel()
