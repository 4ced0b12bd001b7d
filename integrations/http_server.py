"""One way to serve HTTP: a Starlette application on anycorn under Trio.

Every HTTP surface of turnpike (webhooks, subscription links, console, sandbox servers) is started here,
so that the traps of the server underneath are met in one place:

* anycorn leaks `LifespanFailureError` when it is plainly cancelled: it runs shielded and is stopped by its
  own trigger, within a bounded time;
* it keeps a connection that its client has closed until the idle time is over: `_Connection` ends it at once;
* it caps neither bodies nor, in fact, headers: `_Gate` does, before a handler sees the request;
* it meets a port in use with an `OSError`: ours is a sentence, raised before anything is reported as started.

TLS ends in front of us (Caddy, nginx); nothing here speaks it.
"""

import errno
import logging
import socket
from collections.abc import MutableMapping
from contextlib import closing
from typing import Any, Final

import anycorn
import structlog
import trio
from anycorn import tcp_server
from anycorn.config import Sockets
from anycorn.events import Event, Updated
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_LIMIT_BYTES: Final = 1 << 20
HEADER_LIMIT_BYTES: Final = 16 << 10
#: A client that dribbles its body holds a task and at most `BODY_LIMIT_BYTES` for this long.
BODY_SECONDS: Final = 15.0
#: How long a stop waits for requests in flight.
GRACE_SECONDS: Final = 1.0
#: Longer than a proxy's idle time (nginx: 60 s): who closes second never sends into a dead connection.
KEEP_ALIVE_SECONDS: Final = 90.0

_LIFESPAN_START_SECONDS: Final = 3.0

_log: Final = structlog.get_logger(__name__)


class CannotListen(Exception):
    """The address cannot be bound; the message names the server, the address and what to do."""


class PortInUse(CannotListen):
    """Another program listens on that address."""


async def serve(
    app: ASGIApp,
    *,
    host: str,
    port: int,
    name: str,
    body_limit: int = BODY_LIMIT_BYTES,
    task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve `app` until cancelled; report the port that was bound once connections are accepted.

    `host` is an address (`127.0.0.1`, `::`), `port` 0 takes a free one, `name` says who it is in errors and
    logs. A body above `body_limit` bytes is answered 413, a handler's exception 500; the server lives on.
    Raises `PortInUse` or `CannotListen` before anything is reported.
    """
    listener = _listen(host, port, name)
    stop = trio.Event()
    scope = trio.CancelScope(shield=True)

    async def run(*, task_status: Any) -> None:
        config = _Config(listener)
        gate: Any = _Gate(app, name, body_limit)
        with scope:
            await anycorn.serve(gate, config, shutdown_trigger=stop.wait, task_status=task_status)

    with closing(listener):
        async with trio.open_nursery() as nursery:
            try:
                await nursery.start(run)
                task_status.started(listener.getsockname()[1])
                await trio.sleep_forever()
            finally:
                stop.set()
                scope.deadline = trio.current_time() + 3 * GRACE_SECONDS


def _listen(host: str, port: int, name: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if not 0 <= port <= 65535:
        raise CannotListen(f"{name} cannot listen on {address}: a port is a number from 0 to 65535")
    try:
        return socket.create_server((host, port), family=family, backlog=100)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(
                f"{name} cannot listen on {address} because another program already does; "
                "stop that program or choose another port"
            ) from None
        reason = (
            "ports below 1024 need more rights; choose a higher port and put a proxy in front"
            if error.errno == errno.EACCES
            else "expected an address of this machine, such as 127.0.0.1 or 0.0.0.0"
        )
        raise CannotListen(f"{name} cannot listen on {address}: {reason}") from None


class _Config(anycorn.Config):
    """anycorn's settings, with the socket that we bound ourselves."""

    graceful_timeout = GRACE_SECONDS
    shutdown_timeout = GRACE_SECONDS
    startup_timeout = _LIFESPAN_START_SECONDS
    keep_alive_timeout = KEEP_ALIVE_SECONDS
    include_server_header = False

    def __init__(self, listener: socket.socket) -> None:
        super().__init__()
        self._listener = listener
        self.errorlog = logging.getLogger("anycorn.error")
        self.errorlog.setLevel(logging.WARNING)

    def create_sockets(self) -> Sockets:
        return Sockets(secure_sockets=[], insecure_sockets=[self._listener], quic_sockets=[])


class _Connection(tcp_server.TCPServer):
    """anycorn's connection, which ends when its client has left; anycorn's own then waits for the idle timer first.

    One that waits holds a socket and 140 objects for `KEEP_ALIVE_SECONDS`: a hundred clients a second would use up the
    process's files, and the collector would hold the loop for 50 ms and more.
    """

    _left = False

    async def _read_data(self) -> None:
        await super()._read_data()
        self._left = True
        await self.idle_task.stop()

    async def protocol_send(self, event: Event) -> None:
        if not (self._left and isinstance(event, Updated)):  # which starts the timer
            await super().protocol_send(event)


# There is no seam for it; `test_a_connection_that_its_client_has_closed_is_closed` notices if this stops working.
tcp_server.TCPServer = _Connection  # type: ignore[misc]


class _TooLarge(Exception):
    pass


class _Gone(Exception):
    pass


class _Gate:
    """ASGI middleware around every application: bounds what comes in, contains what goes wrong.

    The body is read here, whole, before the handler starts: so a limit is a plain 413 instead of an exception
    inside a handler, and a slow body cannot hold a handler open.
    """

    def __init__(self, app: ASGIApp, name: str, body_limit: int) -> None:
        self._app = app
        self._name = name
        self._body_limit = body_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if sum(len(key) + len(value) for key, value in scope["headers"]) > HEADER_LIMIT_BYTES:
            await _refuse(send, 431, b"request headers are too large")
            return
        try:
            with trio.fail_after(BODY_SECONDS):
                body = await self._read_body(scope, receive)
        except trio.TooSlowError:
            await _refuse(send, 408, b"the request body did not arrive in time")
        except _TooLarge:
            await _refuse(send, 413, b"the request body is too large")
        except _Gone:
            return
        else:
            await self._handle(scope, _replay(body, receive), send)

    async def _read_body(self, scope: Scope, receive: Receive) -> Message:
        """The whole body as one message; raises `_TooLarge`, or `_Gone` if the client leaves before its end."""
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self._body_limit:
            raise _TooLarge
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] != "http.request":
                raise _Gone
            body += message.get("body", b"")
            if len(body) > self._body_limit:
                raise _TooLarge
            if not message.get("more_body", False):
                return {"type": "http.request", "body": bytes(body), "more_body": False}

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = False

        async def noting_send(message: MutableMapping[str, Any]) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            await self._app(scope, receive, noting_send)
        except Exception:
            # A path may hold a token, so the endpoint is named instead.
            endpoint = getattr(scope.get("endpoint"), "__qualname__", "unknown")
            _log.exception("a handler failed", server=self._name, endpoint=endpoint)
            if not began:
                await _refuse(send, 500, b"Internal Server Error")


def _replay(first: Message, receive: Receive) -> Receive:
    waiting = [first]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


async def _refuse(send: Send, status: int, text: bytes) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(text))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text, "more_body": False})
