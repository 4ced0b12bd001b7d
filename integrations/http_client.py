"""One way to ask other servers over HTTP: httpx on Trio, with the two things that httpx does not give.

**A failure says whether the request may have been carried out.** `NotSent` can be repeated blindly;
`OutcomeUnknown` cannot. For a message or an invoice this is the difference that matters.

**Cancellation never loses a connection.** In httpcore (issue 1093) a request that is cancelled while it waits
for a place in the pool, or in the instant between connecting and sending, leaves an entry that no one will
ever use or remove; supervised actors are cancelled all the time, so pools would die of it. Here nothing waits
inside the pool, because a limiter of the same size stands in front; and until the first byte is sent a request
is shielded, bounded by the connect timeout.

Proxies and certificates named by environment variables are ignored: a bot's token must not travel through a
proxy that was meant for something else, and what a supervised service does is read in its configuration.
"""

import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, Literal

import httpx
import trio

#: Telegram and most proxies keep an idle connection for at least this long; httpx's 5 s would pay a TLS
#: handshake for nearly every message of a quiet bot.
KEEP_ALIVE_SECONDS: Final = 75.0
CONNECT_SECONDS: Final = 5.0

_FIRST_BYTE: Final = "http11.send_request_headers.started"


class HttpError(Exception):
    """A request had no answer. The message names the host and never the path, which may hold a token."""


class NotSent(HttpError):
    """Nothing reached the server: repeating is safe."""


class OutcomeUnknown(HttpError):
    """The request left and no answer came: the server may have done it."""


@asynccontextmanager
async def open_http(
    *, base_url: str, max_connections: int = 16, timeout: float = 10.0
) -> AsyncIterator["Http"]:
    """Open a client for one server; close its connections at the end of the block.

    `timeout` is the seconds for a whole request, unless the request names its own.
    Raises `ValueError` for a `base_url` that is not `http://…` or `https://…`.
    """
    url = _checked(base_url)
    for name in ("httpx", "httpcore"):
        # Their INFO and DEBUG lines hold whole URLs.
        logging.getLogger(name).setLevel(logging.WARNING)

    def make_client() -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=url,
            verify=url.scheme == "https",
            trust_env=False,
            headers={"user-agent": "turnpike"},
            limits=httpx.Limits(
                max_connections=max_connections,
                max_keepalive_connections=max_connections,
                keepalive_expiry=KEEP_ALIVE_SECONDS,
            ),
        )

    # Reads a certificate bundle: tens of milliseconds that belong off the loop.
    client = await trio.to_thread.run_sync(make_client)
    try:
        yield Http(client, url.host, max_connections, timeout)
    finally:
        with trio.CancelScope(shield=True, deadline=trio.current_time() + 1):
            await client.aclose()


def _checked(base_url: str) -> httpx.URL:
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"{base_url!r} is not a server's address, expected e.g. 'https://api.telegram.org'")
    return url


class Http:
    """A client of one server. Any number of tasks may share it; at most `max_connections` are served at once."""

    def __init__(self, client: httpx.AsyncClient, host: str, max_connections: int, timeout: float) -> None:
        self._client = client
        self._host = host
        self._places = trio.CapacityLimiter(max_connections)
        self._timeout = timeout

    async def request(
        self,
        method: Literal["GET", "POST"],
        path: str,
        *,
        json: object = None,
        content: bytes | None = None,
        data: Mapping[str, str] | None = None,
        files: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> httpx.Response:
        """Ask and read the whole answer, whatever its status; `path` may be an absolute URL.

        `timeout` seconds bound everything: the wait for a free connection, connecting, sending, the answer.
        Raises `NotSent` or `OutcomeUnknown`.
        """
        seconds = self._timeout if timeout is None else timeout
        deadline = trio.current_time() + seconds
        body: dict[str, Any] = {"json": json, "content": content, "data": data, "files": files}
        body = {name: value for name, value in body.items() if value is not None}
        request = self._client.build_request(method, path, headers=headers, **body)
        assert isinstance(request.stream, Iterable), "no body here comes from an async source"
        request.stream = _Body(b"".join(request.stream))
        with trio.move_on_at(deadline) as waiting:
            await self._places.acquire()
        if waiting.cancelled_caught:
            raise NotSent(f"no connection to {self._host} was free within {seconds:g} s")
        try:
            return await self._send(request, deadline, seconds)
        finally:
            self._places.release()

    async def _send(self, request: httpx.Request, deadline: float, seconds: float) -> httpx.Response:
        sent = False
        scope = trio.CancelScope(shield=True)

        async def trace(event: str, _: object) -> None:
            nonlocal sent
            if event == _FIRST_BYTE:
                sent, scope.shield, scope.deadline = True, False, deadline

        connect = max(min(CONNECT_SECONDS, deadline - trio.current_time()), 0)
        request.extensions = {"trace": trace, "timeout": {"pool": connect, "connect": connect}}
        try:
            with scope:
                return await self._client.send(request)
        except httpx.RequestError as error:
            reason = str(error) or type(error).__name__
            if sent:
                raise OutcomeUnknown(f"{self._host} broke off before it answered: {reason}") from None
            if isinstance(error, httpx.ConnectTimeout):
                reason = "it did not accept a connection in time"
            raise NotSent(f"cannot reach {self._host}: {reason}") from None
        raise OutcomeUnknown(f"{self._host} did not answer within {seconds:g} s")


class _Body(httpx.AsyncByteStream):
    """A request's body in one piece.

    httpx's own is an async generator; where sending is cancelled it would be left unfinished, of which Trio warns.
    """

    def __init__(self, content: bytes) -> None:
        self._pieces = [content]

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if not self._pieces:
            raise StopAsyncIteration
        return self._pieces.pop()
