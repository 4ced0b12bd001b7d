"""What a node should have, made so: the users of one Xray over its API.

The API has no transaction, no versions and one error code for everything, and a call that got no answer may have been
carried out. So the driver never decides on what an error says: it reads the user back and compares (the look-up is
cheap for the node). Whatever was interrupted, calling `ensure`, `absent` or `drop` again is safe and enough.

One process drives a node (U11): the driver holds a lock next to the node's socket. Calls for one user
run in the order in which they were made; different users run side by side.
"""

import fcntl
import os
import secrets
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

import trio

from integrations.xray import grpc
from integrations.xray.blocks import Blocks
from integrations.xray.calls import Calls
from integrations.xray.cutting import CannotCut, Cutter
from integrations.xray.departures import Departures
from integrations.xray.interface import Capabilities, NodeBusy, NodeRefused, NodeUnavailable, Usage
from integrations.xray.node import BadUser, Node, NodeUser
from integrations.xray.turns import Turns
from integrations.xray.way import Way, way_on_this_machine
from integrations.xray.wire import BadAnswer

#: Operations under way at once on one node; more was not faster.
IN_FLIGHT_MAX: Final = 64

#: Seconds for the complete list of a node; 100,000 users take one to three.
LIST_SECONDS: Final = 60.0

#: How often an operation acts on what it read back before it gives up.
_ROUNDS: Final = 3


class XrayDriver:
    """A node whose Xray we control directly; made by `open_driver`. See `NodeDriver` for what its methods promise."""

    def __init__(self, node: Node, channel: grpc.Channel, cutter: Cutter, timeout: float) -> None:
        """Drive `node` over `channel`; `timeout` is in seconds, for one operation."""
        self._node = node
        self._channel = channel
        self._calls = Calls(channel, node.inbound_tag)
        self._cutter = cutter
        self._timeout = timeout
        self._slots = trio.Semaphore(IN_FLIGHT_MAX)
        self._turns = Turns()
        self._departures = Departures(self._calls, cutter)
        self._blocks = Blocks(self._calls, can_multiplex=not node.flow)

    async def ensure(self, user: NodeUser) -> None:
        """Add the user; if the node objects, compare what it has and replace what differs."""
        user.check()
        async with self._change(user.email) as settled:
            await self._blocks.lift(user.email)
            if settled and not await self._calls.add(user):
                return
            objection = ""
            for _ in range(_ROUNDS):
                found = await self._calls.find(user.email)
                if found == user:
                    return
                if found is not None:
                    # Never the other way round: the node removes by UUID, and the new user would go with the old.
                    await self._calls.remove(user.email)
                objection = await self._calls.add(user)
            raise NodeRefused(
                f"node {self._node.name!r} does not take user {user.email!r}: {objection or 'it changes'}"
            )

    async def absent(self, email: str) -> None:
        """Remove the user; if the node objects, look whether it has them at all."""
        async with self._change(email) as settled:
            await self._remove(email, settled)

    async def drop(self, email: str) -> bool:
        """Remove the user, then end their connections until the node sees none."""
        _check_named(email)
        async with self._turns.turn(email):
            async with self._operation(self._timeout), self._turns.change(email) as settled:
                await self._settle(settled)
                await self._remove(email, settled)
            # Not in one of the few places: many go at once, and are cut together.
            with self._explained():
                gone = await self._departures.seen(email)
            if not gone or self._blocks.may_have(email):
                async with self._operation(self._timeout):
                    await (self._blocks.lift(email) if gone else self._blocks.put(email))
            return gone

    async def users(self) -> dict[str, NodeUser]:
        """Read the complete list."""
        async with self._operation(max(self._timeout, LIST_SECONDS)):
            return await self._calls.users()

    async def count(self) -> int:
        """Ask the node."""
        async with self._operation(self._timeout):
            return await self._calls.count()

    async def usage(self) -> Usage:
        """Read all counters; if the node restarted meanwhile, read them again."""
        async with self._operation(max(self._timeout, LIST_SECONDS)):
            while True:
                epoch = await self._epoch()
                traffic = await self._calls.traffic()
                if epoch == await self._epoch():
                    return Usage(epoch, traffic)

    async def online(self) -> dict[str, frozenset[str]]:
        """Ask the node."""
        async with self._operation(max(self._timeout, LIST_SECONDS)):
            return await self._calls.online()

    async def epoch(self) -> str:
        """Read the name that we gave to this run of the node, or give it one."""
        async with self._operation(self._timeout):
            return await self._epoch()

    async def uptime(self) -> int:
        """Ask the node."""
        async with self._operation(self._timeout):
            return await self._calls.uptime()

    async def capabilities(self) -> Capabilities:
        """Try whether connections can be ended; counters are live on the nodes that turnpike starts."""
        async with self._operation(self._timeout):
            try:
                await self._cutter.check()
            except CannotCut:
                return Capabilities(cuts=False, counts_live=not self._node.flow)
            return Capabilities(cuts=True, counts_live=self._cutter.has_keeper or not self._node.flow)

    async def keep_out(self, wanted: Collection[tuple[str, str]]) -> bool:
        """Compare the rules that the node has with what is wanted, and put right what differs."""
        if not self._cutter.has_keeper:
            return False
        async with self._operation(max(self._timeout, LIST_SECONDS)):
            found = await self._calls.kept_out()
            for email, address in found - set(wanted):
                await self._calls.let_in(email, address)
            for email, address in set(wanted) - found:
                await self._calls.keep_out(email, address)
        return True

    async def _remove(self, email: str, settled: bool) -> None:
        if settled and not await self._calls.remove(email):
            return
        objection = ""
        for _ in range(_ROUNDS):
            if await self._calls.find(email) is None:
                return
            objection = await self._calls.remove(email)
        raise NodeRefused(
            f"node {self._node.name!r} does not remove user {email!r}: {objection or 'it is back'}"
        )

    async def _epoch(self) -> str:
        epoch = await self._calls.epoch()
        if epoch is not None:
            return epoch
        await self._calls.mark_epoch(secrets.token_hex(8))
        marked = await self._calls.epoch()
        if marked is None:
            raise NodeRefused(f"node {self._node.name!r} does not keep the mark of its run")
        return marked

    @asynccontextmanager
    async def _change(self, email: str) -> AsyncIterator[bool]:
        """Give a user's changes their order; say whether the last one is known to have ended."""
        _check_named(email)
        async with (
            self._turns.turn(email),
            self._operation(self._timeout),
            self._turns.change(email) as settled,
        ):
            await self._settle(settled)
            yield settled

    async def _settle(self, settled: bool) -> None:
        """After a change without an answer, a round trip: the node reads in order, so it has then begun that one."""
        if not settled:
            await self._calls.uptime()

    @asynccontextmanager
    async def _operation(self, timeout: float) -> AsyncIterator[None]:
        """Take a place among the operations under way, and a deadline."""
        async with self._slots:
            began = trio.current_time()
            try:
                with self._explained(), trio.fail_after(timeout):
                    yield
            except trio.TooSlowError:
                self._channel.hang_up_if_silent_since(began)
                message = f"node {self._node.name!r} did not answer within {timeout:g} s"
                raise NodeUnavailable(message) from None

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Say in our words what went wrong."""
        try:
            yield
        except grpc.ConnectionBroken as error:
            raise NodeUnavailable(f"node {self._node.name!r} cannot be reached: {error}") from None
        except (grpc.CallFailed, BadAnswer) as error:
            raise NodeRefused(f"node {self._node.name!r} refuses: {error}") from None


def _check_named(email: str) -> None:
    if not email:
        raise BadUser("a user without a name cannot be changed")


@asynccontextmanager
async def open_driver(
    node: Node, way: Way | None = None, *, timeout: float = 5.0, lost: Callable[[], None] = lambda: None
) -> AsyncIterator[XrayDriver]:
    """Drive a node; `timeout` is in seconds, for one operation (lists have `LIST_SECONDS`).

    `way` is how it is reached if it does not run on this machine. `lost` is called when a connection breaks, which
    is how a restart of the node shows first.
    Nothing is connected yet: calls connect when needed, so a node may be down now. Raises `NodeBusy`.
    """
    failure: Exception | None = None
    with _exclusive(node):
        async with trio.open_nursery() as nursery:
            way = way or way_on_this_machine(node)
            channel = grpc.Channel(way.api, nursery, lost)
            try:
                yield XrayDriver(node, channel, way.cutter, timeout)
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
