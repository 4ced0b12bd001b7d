"""What a node should have, made so: the users of one Xray over its API.

The API has no transaction, no versions and one error code for everything, and a call that got no answer may have been
carried out. So the driver never decides on what an error says: it reads the user back and compares (the look-up is
cheap for the node). Whatever was interrupted, calling `ensure` or `absent` again is safe and enough.

One process drives a node (U11): the driver holds a lock next to the node's socket. Calls for one user
run in the order in which they were made; different users run side by side.
"""

import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Final, Protocol

import trio

from integrations.xray import grpc, messages
from integrations.xray.node import BadUser, Node, NodeUser

#: Operations under way at once on one node; more was not faster.
IN_FLIGHT_MAX: Final = 64

#: Seconds for the complete list of a node; 100,000 users take one to three.
LIST_SECONDS: Final = 60.0

#: How often an operation acts on what it read back before it gives up.
_ROUNDS: Final = 3

#: Users converted between two looks at the event loop: about 2 ms.
_USERS_IN_A_BATCH: Final = 500


class NodeUnavailable(Exception):
    """The node gave no answer (down, too slow, connection cut). What was asked may have been done or not."""


class NodeRefused(Exception):
    """The node answers and does not do what was asked; repeating will not help, its configuration must change."""


class NodeBusy(Exception):
    """Another process, or another driver of this one, drives this node."""


class NodeDriver(Protocol):
    """What the rest of turnpike needs of a node, whoever manages it.

    Every method raises `NodeUnavailable` or `NodeRefused`, and has a deadline of its own. After `NodeUnavailable`
    the outcome is unknown: call again.
    """

    async def ensure(self, user: NodeUser) -> None:
        """Make the node have exactly this user under this name. Idempotent. Raises `BadUser`."""

    async def absent(self, email: str) -> None:
        """Make the node have no user of this name; open connections of theirs are not cut by it. Idempotent."""

    async def users(self) -> dict[str, NodeUser]:
        """All users of the node by name, those that we did not put there included."""

    async def count(self) -> int:
        """How many users the node has."""

    async def uptime(self) -> int:
        """Whole seconds since the node's start; if it went back, the node restarted and lost its users."""

    @property
    def connections(self) -> int:
        """How often the node was connected to; one more may mean that it restarted, however short ago."""

    async def online_addresses(self, email: str) -> dict[str, int]:
        """Addresses from which the user is connected now, with the unix second of the last sign of life."""


class XrayDriver:
    """A node whose Xray we control directly; made by `open_driver`."""

    def __init__(self, node: Node, channel: grpc.Channel, timeout: float) -> None:
        """Drive `node` over `channel`; `timeout` is in seconds, for one operation."""
        self._node = node
        self._channel = channel
        self._timeout = timeout
        self._slots = trio.Semaphore(IN_FLIGHT_MAX)
        self._turns: dict[str, trio.Lock] = {}
        #: Names whose last change got no answer: a late one may still come into effect on the node.
        self._doubtful: set[str] = set()

    @property
    def connections(self) -> int:
        """How often the node was connected to. See `NodeDriver`."""
        return self._channel.connections

    async def ensure(self, user: NodeUser) -> None:
        """Add the user; if the node objects, compare what it has and replace what differs. See `NodeDriver`."""
        add = messages.add_user(self._node.inbound_tag, user)
        async with self._change(user.email) as settled:
            if settled and not await self._objection(add):
                return
            objection = ""
            for _ in range(_ROUNDS):
                found = await self._find(user.email)
                if found == user:
                    return
                if found is not None:
                    await self._objection(self._remove(user.email))
                objection = await self._objection(add)
            raise NodeRefused(
                f"node {self._node.name!r} does not take user {user.email!r}: {objection or 'it changes'}"
            )

    async def absent(self, email: str) -> None:
        """Remove the user; if the node objects, look whether it has them at all. See `NodeDriver`."""
        if not email:
            raise BadUser("a user without a name cannot be removed")
        async with self._change(email) as settled:
            if settled and not await self._objection(self._remove(email)):
                return
            objection = ""
            for _ in range(_ROUNDS):
                if await self._find(email) is None:
                    return
                objection = await self._objection(self._remove(email))
            raise NodeRefused(
                f"node {self._node.name!r} does not remove user {email!r}: {objection or 'it is back'}"
            )

    async def users(self) -> dict[str, NodeUser]:
        """Read the complete list, 117 bytes a user. See `NodeDriver`."""
        request = messages.inbound_users(self._node.inbound_tag)
        async with self._operation(max(self._timeout, LIST_SECONDS)):
            answer = await self._channel.call(messages.GET_INBOUND_USERS, request)
            users: dict[str, NodeUser] = {}
            for user in messages.read_users(answer):
                users[user.email] = user
                if len(users) % _USERS_IN_A_BATCH == 0:
                    await trio.lowlevel.checkpoint()
            return users

    async def count(self) -> int:
        """See `NodeDriver`."""
        request = messages.inbound_users(self._node.inbound_tag)
        async with self._operation(self._timeout):
            return messages.read_count(await self._channel.call(messages.GET_INBOUND_USERS_COUNT, request))

    async def uptime(self) -> int:
        """See `NodeDriver`; the cheapest call, so it is the heartbeat too."""
        async with self._operation(self._timeout):
            return await self._uptime()

    async def online_addresses(self, email: str) -> dict[str, int]:
        """See `NodeDriver`; the node never lists loopback addresses."""
        async with self._operation(self._timeout):
            try:
                answer = await self._channel.call(
                    messages.GET_ONLINE_ADDRESSES, messages.online_addresses(email)
                )
            except grpc.CallFailed as error:
                if error.status == grpc.NOT_FOUND:
                    return {}
                raise
            return messages.read_online_addresses(answer)

    def _remove(self, email: str) -> bytes:
        return messages.remove_user(self._node.inbound_tag, email)

    async def _objection(self, change: bytes) -> str:
        """Send a change; return what the node has against it, in its words, or nothing."""
        try:
            await self._channel.call(messages.ALTER_INBOUND, change)
        except grpc.CallFailed as error:
            return str(error)
        return ""

    async def _find(self, email: str) -> NodeUser | None:
        request = messages.inbound_users(self._node.inbound_tag, email)
        answer = await self._channel.call(messages.GET_INBOUND_USERS, request)
        return next(messages.read_users(answer), None)

    async def _uptime(self) -> int:
        return messages.read_uptime(await self._channel.call(messages.GET_SYS_STATS, b""))

    @asynccontextmanager
    async def _change(self, email: str) -> AsyncIterator[bool]:
        """Give a user's changes their order; say whether the last one is known to have ended.

        If it is not, a round trip comes first: the node reads in order, so it has then begun what was sent before.
        """
        key = email.lower()
        async with self._turn(key), self._operation(self._timeout):
            settled = key not in self._doubtful
            self._doubtful.add(key)
            if not settled:
                await self._uptime()
            yield settled
            self._doubtful.discard(key)

    @asynccontextmanager
    async def _turn(self, key: str) -> AsyncIterator[None]:
        lock = self._turns.setdefault(key, trio.Lock())
        try:
            async with lock:
                yield
        finally:
            if not lock.locked() and self._turns.get(key) is lock:
                del self._turns[key]

    @asynccontextmanager
    async def _operation(self, timeout: float) -> AsyncIterator[None]:
        """Take a place among the operations under way, set the deadline, say in our words what went wrong."""
        async with self._slots:
            began = trio.current_time()
            try:
                with trio.fail_after(timeout):
                    yield
            except trio.TooSlowError:
                self._channel.hang_up_if_silent_since(began)
                message = f"node {self._node.name!r} did not answer within {timeout:g} s"
                raise NodeUnavailable(message) from None
            except grpc.ConnectionBroken as error:
                raise NodeUnavailable(f"node {self._node.name!r} cannot be reached: {error}") from None
            except (grpc.CallFailed, messages.BadAnswer) as error:
                raise NodeRefused(f"node {self._node.name!r} refuses: {error}") from None


@asynccontextmanager
async def open_driver(node: Node, *, timeout: float = 5.0) -> AsyncIterator[XrayDriver]:
    """Drive a node; `timeout` is in seconds, for one operation (the list has `LIST_SECONDS`).

    Nothing is connected yet: calls connect when needed, so a node may be down now. Raises `NodeBusy`.
    """
    failure: Exception | None = None
    with _exclusive(node):
        async with trio.open_nursery() as nursery:
            channel = grpc.Channel(partial(trio.open_unix_socket, node.api_socket), nursery)
            try:
                yield XrayDriver(node, channel, timeout)
            except Exception as error:
                # Carried around the nursery, which would wrap it into a group that callers must unpack.
                failure = error
            nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure


@contextmanager
def _exclusive(node: Node) -> Iterator[None]:
    """Hold the right to change this node's users, as a lock that ends with the process however it ends."""
    path = Path(f"{node.api_socket}.driver")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock(
            descriptor,
            f"node {node.name!r} is already driven by somebody who holds {path}: stop the other one",
        )
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, if_taken: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise NodeBusy(if_taken) from None
