"""Unary gRPC calls on Trio, over any byte stream: the part of gRPC that driving a node needs.

Framing is h2's. What is ours is the shape on Trio: one task reads, one task writes, and a call only waits. So a call
that is cancelled never leaves half a frame on the connection, and many calls share one write.

Two things are left out on purpose. No PINGs are sent: Go's server counts them as abuse; a call with a deadline is
the heartbeat. Nothing is retried: whether a call without an answer was carried out is unknown, and only
the caller can find out.
"""

import math
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from urllib.parse import unquote

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
import trio

Connect: TypeAlias = Callable[[], Awaitable[trio.abc.Stream]]

#: A list of 100,000 users is 12 MB.
ANSWER_BYTES_MAX: Final = 64 << 20

NOT_FOUND: Final = 5

_WINDOW_BYTES: Final = 16 << 20
_RECEIVE_BYTES: Final = 64 << 10
_PREFIX: Final = struct.Struct(">BI")


class CallFailed(Exception):
    """The server answered with an error. `status` is gRPC's code; the text is for people, never for decisions."""

    def __init__(self, status: int, text: str) -> None:
        """Keep what the server said."""
        super().__init__(f"{text} (gRPC status {status})")
        self.status = status


class ConnectionBroken(Exception):
    """No answer came and none will: the call may have been carried out or not."""


@dataclass(slots=True)
class _Call:
    """What has come of one answer so far."""

    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    done: trio.Event = field(default_factory=trio.Event)
    sent: bool = False
    broken: str = ""

    def end(self, broken: str = "") -> None:
        if not self.done.is_set():
            self.broken = broken
            self.done.set()

    def result(self) -> bytes:
        """The answer's message; raise what the server or the connection said instead."""
        if self.broken:
            raise ConnectionBroken(self.broken)
        status = self.headers.get("grpc-status", "")
        if self.headers.get(":status") != "200" or not status.isdecimal():
            raise ConnectionBroken(f"the answer is not gRPC: HTTP status {self.headers.get(':status')}")
        if status != "0":
            raise CallFailed(int(status), unquote(self.headers.get("grpc-message", "")))
        length = len(self.body) - _PREFIX.size
        if length < 0 or _PREFIX.unpack_from(self.body) != (0, length):
            raise ConnectionBroken(f"the answer is not one plain gRPC message but {len(self.body)} bytes")
        return bytes(memoryview(self.body)[_PREFIX.size :])


class Channel:
    """Calls over one connection, opened by the first call and again by the next one after it broke."""

    def __init__(
        self, connect: Connect, nursery: trio.Nursery, lost: Callable[[], None] = lambda: None
    ) -> None:
        """`connect` opens a stream or raises OSError; the connection's two tasks live in `nursery`.

        `lost` is called whenever a connection broke, so that nobody has to find out by a call.
        """
        self._connect = connect
        self._nursery = nursery
        self._lost = lost
        self._connecting = trio.Lock()
        self._connection: _Connection | None = None
        #: How many were opened so far: whoever restarts the other end makes this grow.
        self.connections = 0

    async def call(self, method: str, request: bytes) -> bytes:
        """Send one message, return the other. Raises `CallFailed`, `ConnectionBroken`.

        Put a deadline around it: a cancelled call is reset on the connection, and its outcome is unknown.
        """
        connection = await self._connected()
        return await connection.call(method, request)

    def hang_up_if_silent_since(self, moment: float) -> None:
        """Break the connection if nothing was heard on it since that Trio time: a cut network sends no goodbye."""
        if self._connection is not None and self._connection.heard_at < moment:
            self._connection.hang_up("it fell silent")

    async def _connected(self) -> "_Connection":
        if self._connection is not None and not self._connection.broken:
            return self._connection
        async with self._connecting:
            if self._connection is None or self._connection.broken:
                try:
                    stream = await self._connect()
                except OSError as error:
                    raise ConnectionBroken(error.strerror or str(error)) from None
                self._connection = _Connection(stream)
                self.connections += 1
                self._nursery.start_soon(self._run, self._connection)
            return self._connection

    async def _run(self, connection: "_Connection") -> None:
        await connection.run()
        self._lost()


class _Connection:
    """One HTTP/2 connection. Its state is h2's, plus the calls that wait and why it is over."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.broken = ""
        self.heard_at = -math.inf
        self._stream = stream
        self._calls: dict[int, _Call] = {}
        self._something_to_send = trio.Event()
        self._window_opened = trio.Event()
        self._scope = trio.CancelScope()
        self._h2 = _new_client()

    async def run(self) -> None:
        """Read and write until the connection breaks or the surrounding nursery is cancelled."""
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._write)
                    nursery.start_soon(self._read)
        finally:
            self.hang_up("it was closed")
            await trio.aclose_forcefully(self._stream)

    def hang_up(self, reason: str) -> None:
        """End the connection and every call that still waits on it."""
        self.broken = self.broken or reason
        for call in self._calls.values():
            call.end(self.broken)
        self._window_opened.set()
        self._scope.cancel()

    async def call(self, method: str, request: bytes) -> bytes:
        assert not self.broken, "a broken connection takes no calls"
        call = _Call()
        try:
            number = self._h2.get_next_available_stream_id()
            self._h2.send_headers(number, _headers(method))
        except h2.exceptions.ProtocolError as error:
            self.hang_up(f"no further call fits on it: {error}")
            raise ConnectionBroken(self.broken) from None
        self._calls[number] = call
        try:
            await self._send(number, call, _PREFIX.pack(0, len(request)) + request)
            await call.done.wait()
        finally:
            del self._calls[number]
            if not (call.sent and call.done.is_set()):
                self._give_up(number)
        return call.result()

    async def _send(self, number: int, call: _Call, body: bytes) -> None:
        """Send the request as the other side makes room; it may answer, and stop reading, before the end."""
        sent = 0
        while sent < len(body) and not call.done.is_set():
            room = min(self._h2.local_flow_control_window(number), self._h2.max_outbound_frame_size)
            if room <= 0:
                await self._window_opened.wait()
                continue
            part = body[sent : sent + room]
            sent += len(part)
            call.sent = sent == len(body)
            self._h2.send_data(number, part, end_stream=call.sent)
            self._something_to_send.set()

    def _give_up(self, number: int) -> None:
        """Tell the server that we no longer listen to this call, unless it is over on both sides."""
        try:
            self._h2.reset_stream(number, h2.errors.ErrorCodes.CANCEL)
        except h2.exceptions.ProtocolError:
            return
        self._something_to_send.set()

    async def _write(self) -> None:
        while True:
            data = self._h2.data_to_send()
            if not data:
                self._something_to_send = trio.Event()
                await self._something_to_send.wait()
                continue
            try:
                await self._stream.send_all(data)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return self.hang_up("it was cut while we wrote")

    async def _read(self) -> None:
        while True:
            try:
                data = await self._stream.receive_some(_RECEIVE_BYTES)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return self.hang_up("it was cut while we read")
            if not data:
                return self.hang_up("the other side closed it")
            self.heard_at = trio.current_time()
            try:
                for event in self._h2.receive_data(data):
                    self._handle(event)
            except h2.exceptions.ProtocolError as error:
                return self.hang_up(f"the other side broke the protocol: {error}")
            self._something_to_send.set()
            self._window_opened.set()
            self._window_opened = trio.Event()

    def _handle(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.ConnectionTerminated):
            return self.hang_up("the other side ended it")
        call = self._calls.get(getattr(event, "stream_id", None) or 0)
        if isinstance(event, h2.events.DataReceived):
            self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            if call is not None:
                self._keep(call, event.data)
        elif call is None:
            return None
        elif isinstance(event, h2.events.ResponseReceived | h2.events.TrailersReceived):
            call.headers.update((_text(name), _text(value)) for name, value in event.headers)
        elif isinstance(event, h2.events.StreamEnded):
            call.end()
        elif isinstance(event, h2.events.StreamReset):
            call.end(f"the other side gave up the call (HTTP/2 error {event.error_code})")
        return None

    def _keep(self, call: _Call, data: bytes) -> None:
        call.body += data
        if len(call.body) > ANSWER_BYTES_MAX:
            call.end(f"the answer is longer than {ANSWER_BYTES_MAX >> 20} MiB")


def _new_client() -> h2.connection.H2Connection:
    """A client that lets the server send as much as we are ready to keep, without waiting for us."""
    # Our own few headers are right by construction, and of the node's we read two: checks cost a fifth of a call.
    config = h2.config.H2Configuration(
        client_side=True,
        validate_outbound_headers=False,
        normalize_outbound_headers=False,
        validate_inbound_headers=False,
        normalize_inbound_headers=False,
    )
    connection = h2.connection.H2Connection(config)
    codes = h2.settings.SettingCodes
    connection.local_settings = h2.settings.Settings(
        client=True, initial_values={codes.ENABLE_PUSH: 0, codes.INITIAL_WINDOW_SIZE: _WINDOW_BYTES}
    )
    connection.initiate_connection()
    connection.increment_flow_control_window(_WINDOW_BYTES)
    return connection


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode(errors="replace")


def _headers(method: str) -> list[tuple[str, str]]:
    return [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", method),
        (":authority", "localhost"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        ("user-agent", "turnpike"),
    ]
