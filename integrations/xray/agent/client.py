"""The panel's side of an agent."""

import socket
import ssl
from collections.abc import AsyncIterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final, Literal

import msgspec
import trio

from integrations.xray.agent.authority import Identity, server_name
from integrations.xray.agent.fence import fenced
from integrations.xray.agent.protocol import (
    GREETING_SECONDS,
    Answer,
    Ask,
    Health,
    Lines,
    LineTooLong,
    line_of,
)
from integrations.xray.cutting import KeeperCutter
from integrations.xray.stream import Config
from integrations.xray.way import Way

#: Seconds for a start: 100,000 users need a few, a slow line to a far machine some more.
START_SECONDS: Final = 120.0

_BATCH: Final = 500


class AgentUnavailable(Exception):
    """The agent was not reached, or did not do what was asked; the message is one sentence with the reason."""


class AgentClient:
    """One node's agent, as the panel reaches it."""

    def __init__(self, node: str, host: str, port: int, panel: Identity, certificate: bytes) -> None:
        """`certificate` is the one that the node was given last, in DER: no other is accepted."""
        self._node = node
        self._host = host
        self._port = port
        self._tls = panel.tls(ssl.PROTOCOL_TLS_CLIENT)
        self._certificate = certificate

    def way(self) -> Way:
        """The way for a driver."""
        return Way(self._open_api, KeeperCutter(partial(self._open, "cut")))

    async def start(self, config: Config, clients: AsyncIterable[bytes]) -> None:
        """Have the node run with this configuration and, from its start on, with these users.

        `clients` are as `clients_of` makes them. A node that runs with the same configuration goes on undisturbed, and
        keeps the users for its next start: call it again from time to time, so that what a node comes back with while
        the panel is away is not old. Raises `AgentUnavailable`, whose message may be that of `XrayStartFailed` there.
        """
        with self._explained(), trio.fail_after(START_SECONDS):
            stream = await self._open("start")
            async with stream:
                fence = fenced(config, [self._host], self._port)
                await stream.send_all(msgspec.json.encode(fence) + b"\n")
                batch: list[bytes] = []
                async for client in clients:
                    batch.append(client + b"\n")
                    if len(batch) == _BATCH:
                        await stream.send_all(b"".join(batch))
                        batch = []
                await stream.send_all(b"".join(batch) + b"\n")
                await _answer(Lines(stream))

    async def health(self) -> Health:
        """How the node is. Raises `AgentUnavailable`."""
        with self._explained(), trio.fail_after(GREETING_SECONDS):
            async with await self._open("health") as stream:
                answer = await _answer(Lines(stream))
        assert answer.health is not None, "an agent says how it is when asked"
        return answer.health

    async def _open_api(self) -> trio.abc.Stream:
        """A stream to Xray's API, as soon as the agent says that it is one. Raises OSError."""
        stream = await self._open("api")
        try:
            with trio.fail_after(GREETING_SECONDS):
                await _answer(Lines(stream, at_once=1))
        except (AgentUnavailable, trio.TooSlowError, trio.BrokenResourceError) as error:
            await trio.aclose_forcefully(stream)
            raise OSError(self._refusal(error)) from None
        return stream

    async def _open(
        self, what: Literal["api", "cut", "start", "health"]
    ) -> trio.SSLStream[trio.SocketStream]:
        """A connection that has said what it is for. Raises OSError."""
        try:
            with trio.fail_after(GREETING_SECONDS):
                raw = await trio.open_tcp_stream(self._host, self._port)
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                stream = trio.SSLStream(raw, self._tls, server_hostname=server_name(self._node))
                try:
                    await stream.do_handshake()
                    if stream.getpeercert(binary_form=True) != self._certificate:
                        raise OSError(
                            "its certificate is not the one that was made last: enrol the node again"
                        )
                    await stream.send_all(line_of(Ask(what)))
                except BaseException:
                    await trio.aclose_forcefully(stream)
                    raise
        except trio.TooSlowError:
            raise OSError(f"nothing answers at {self._host} port {self._port}") from None
        except trio.BrokenResourceError as error:
            raise OSError(self._refusal(error)) from None
        return stream

    def _refusal(self, error: Exception) -> str:
        match error:
            case AgentUnavailable():
                return str(error)
            case trio.BrokenResourceError(__cause__=ssl.SSLError()):
                return "it and this panel do not know each other's certificates: enrol the node again"
            case _:
                return f"it ended the connection at {self._host} port {self._port}"

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Say in one sentence what went wrong."""
        try:
            yield
        except AgentUnavailable as error:
            raise AgentUnavailable(f"the agent of node {self._node!r}: {error}") from None
        except trio.TooSlowError:
            raise AgentUnavailable(f"the agent of node {self._node!r} did not answer in time") from None
        except OSError as error:
            reason = error.strerror or error
            raise AgentUnavailable(f"the agent of node {self._node!r} cannot be reached: {reason}") from None
        except (trio.BrokenResourceError, LineTooLong, msgspec.MsgspecError) as error:
            raise AgentUnavailable(f"the agent of node {self._node!r}: {self._refusal(error)}") from None


async def _answer(lines: Lines) -> Answer:
    """The agent's line. Raises `AgentUnavailable` for a problem, and what streams and decoding raise."""
    answer = msgspec.json.decode(await lines.next(), type=Answer)
    if answer.problem:
        raise AgentUnavailable(answer.problem)
    return answer
