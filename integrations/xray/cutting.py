"""Ending what a removed user has open, without anybody else noticing.

There are two ways. An Xray that turnpike started, here or by an agent, has a keeper in its process, who knows which
connection is whose and may close it. For an Xray that an operator started there is the kernel, if it lets us, which
knows addresses only: others behind the same address lose their connections too, and reconnect by themselves.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import trio

from integrations.xray.grpc import Connect
from integrations.xray.keeper import SUFFIX
from integrations.xray.sockets import destroy, may_destroy

_ANSWER_BYTES: Final = 1 << 16


class CannotCut(Exception):
    """This node's open connections cannot be ended from here; the message says why and what would change it."""


@dataclass(frozen=True, slots=True)
class Order:
    """Whose connections to end, and the addresses where the node has seen them."""

    email: str
    addresses: Collection[str] = ()


class Cutter(Protocol):
    """What ends connections."""

    @property
    def has_keeper(self) -> bool:
        """Whether a keeper does it, hence turnpike started this Xray."""

    async def check(self) -> None:
        """Raise `CannotCut` if it cannot."""

    async def cut(self, orders: Sequence[Order]) -> Sequence[int]:
        """End these users' connections; return how many of each were found. Raises `CannotCut`."""


class KeeperCutter:
    """Asks the keeper."""

    has_keeper = True

    def __init__(self, connect: Connect) -> None:
        """`connect` opens a stream to the keeper or raises OSError."""
        self._connect = connect

    async def check(self) -> None:
        """See `Cutter`."""
        await self.cut([])

    async def cut(self, orders: Sequence[Order]) -> Sequence[int]:
        """See `Cutter`."""
        request = json.dumps([(order.email, list(order.addresses)) for order in orders]).encode() + b"\n"
        answer = b""
        try:
            async with await self._connect() as stream:
                await stream.send_all(request)
                while part := await stream.receive_some(_ANSWER_BYTES):
                    answer += part
        except (OSError, trio.BrokenResourceError) as error:
            raise CannotCut(f"the keeper of this node's connections cannot be reached: {error}") from None
        if not answer.endswith(b"\n"):
            raise CannotCut("the keeper of this node's connections gave no answer")
        ended: list[int] = json.loads(answer)
        return ended


class KernelCutter:
    """Asks the kernel of this machine."""

    has_keeper = False

    def __init__(self, port: int) -> None:
        """`port` is the local one of the inbound."""
        self._port = port

    async def check(self) -> None:
        """See `Cutter`."""
        if not await trio.to_thread.run_sync(may_destroy):
            raise CannotCut(
                "ending connections of an Xray that turnpike did not start needs the capability CAP_NET_ADMIN: "
                "grant it, or let turnpike start the node"
            )

    async def cut(self, orders: Sequence[Order]) -> Sequence[int]:
        """See `Cutter`."""
        addresses = {address for order in orders for address in order.addresses}
        try:
            ended = await trio.to_thread.run_sync(destroy, self._port, addresses)
        except OSError:
            await self.check()
            raise
        return [sum(ended[address] for address in order.addresses) for order in orders]


class LocalCutter:
    """For a node of this machine: its keeper if it has one, the kernel if it has none."""

    def __init__(self, api_socket: Path, port: int) -> None:
        """`port` is the local one of the inbound."""
        self._socket = Path(f"{api_socket}{SUFFIX}")
        self._keeper = KeeperCutter(self._open)
        self._kernel = KernelCutter(port)

    @property
    def has_keeper(self) -> bool:
        """See `Cutter`."""
        return self._socket.exists()

    async def check(self) -> None:
        """See `Cutter`."""
        await self._means().check()

    async def cut(self, orders: Sequence[Order]) -> Sequence[int]:
        """See `Cutter`."""
        return await self._means().cut(orders)

    def _means(self) -> Cutter:
        return self._keeper if self.has_keeper else self._kernel

    async def _open(self) -> trio.abc.Stream:
        return await trio.open_unix_socket(self._socket)
