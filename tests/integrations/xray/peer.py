"""The other end of a gRPC connection, in memory: it answers, keeps quiet, misbehaves or dies on command."""

import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import h2.config
import h2.connection
import h2.events
import trio
from trio.testing import memory_stream_pair

from integrations.xray.grpc import CallFailed, Channel, ConnectionBroken

Stream = trio.abc.Stream


class Peer:
    """A server's end of one connection. Tests pull events out of it and push answers in."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        )
        self.h2.initiate_connection()
        self.bodies: dict[int, bytearray] = {}
        self.methods: dict[int, str] = {}
        self.resets_received = 0
        self._events: list[h2.events.Event] = []

    async def flush(self) -> None:
        await self.stream.send_all(self.h2.data_to_send())

    async def event(self, kind: type[h2.events.Event]) -> h2.events.Event:
        """Read until the next event of this kind."""
        await self.flush()
        while True:
            while self._events:
                event = self._events.pop(0)
                if isinstance(event, h2.events.DataReceived):
                    self.bodies.setdefault(event.stream_id, bytearray()).extend(event.data)
                if isinstance(event, h2.events.RequestReceived):
                    headers = {str(name): str(value) for name, value in event.headers}
                    self.methods[event.stream_id] = headers[":path"]
                if isinstance(event, kind):
                    return event
            data = await self.stream.receive_some()
            assert data, "the client hung up"
            self.resets_received += resets_in(bytes(data))
            self._events = self.h2.receive_data(data)
            await self.flush()

    async def request(self) -> int:
        """Wait for a complete request; return the number of its stream."""
        event = await self.event(h2.events.StreamEnded)
        assert isinstance(event, h2.events.StreamEnded)
        return event.stream_id

    async def answer(self, number: int, message: bytes, status: str = "0", text: str = "") -> None:
        """Send headers, one message and trailers, as room in the windows allows."""
        self.h2.send_headers(number, [(":status", "200"), ("content-type", "application/grpc")])
        body = struct.pack(">BI", 0, len(message)) + message
        while body:
            room = min(self.h2.local_flow_control_window(number), self.h2.max_outbound_frame_size)
            if not room:
                await self.event(h2.events.WindowUpdated)
                continue
            self.h2.send_data(number, body[:room])
            body = body[room:]
            await self.flush()
        self.h2.send_headers(number, [("grpc-status", status), ("grpc-message", text)], end_stream=True)
        await self.flush()

    async def refuse(self, number: int, headers: Sequence[tuple[str, str] | tuple[bytes, bytes]]) -> None:
        """Answer with headers and nothing else."""
        self.h2.send_headers(number, list(headers), end_stream=True)
        await self.flush()


def resets_in(data: bytes) -> int:
    """Count RST_STREAM frames; h2 does not tell of those for streams that are over. Frames come here whole."""
    data = data.removeprefix(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    resets = 0
    while data:
        resets += data[3] == 3
        data = data[9 + int.from_bytes(data[:3]) :]
    return resets


class Network:
    """What a channel connects through: keeps the servers' ends in order, and may be down."""

    def __init__(self) -> None:
        self.peers: list[Peer] = []
        self.down: OSError | None = None
        self.make_pair: Callable[[], tuple[Stream, Stream]] = memory_stream_pair

    async def connect(self) -> Stream:
        await trio.lowlevel.checkpoint()
        if self.down is not None:
            raise self.down
        ours, theirs = self.make_pair()
        self.peers.append(Peer(theirs))
        return ours

    async def peer(self) -> Peer:
        """The newest connection, as soon as there is one."""
        while not self.peers:
            await trio.lowlevel.checkpoint()
        return self.peers[-1]


@asynccontextmanager
async def open_channel(network: Network) -> AsyncIterator[tuple[Channel, trio.Nursery]]:
    """A channel over that network, and a nursery for calls that are to wait; a call that waits for ever fails."""
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            yield Channel(network.connect, nursery), nursery
            nursery.cancel_scope.cancel()


class Caller:
    """A call made in the background, and what came of it."""

    def __init__(self, channel: Channel, nursery: trio.Nursery, request: bytes = b"ping") -> None:
        self.scope = trio.CancelScope()
        self.result: bytes | Exception | None = None
        self.ended = trio.Event()
        nursery.start_soon(self._run, channel, request)

    async def _run(self, channel: Channel, request: bytes) -> None:
        with self.scope:
            try:
                self.result = await channel.call("/service/Method", request)
            except (CallFailed, ConnectionBroken) as error:
                self.result = error
        self.ended.set()


async def serve_one(peer: Peer, answer: bytes) -> None:
    """Wait for one request and answer it."""
    await peer.answer(await peer.request(), answer)
