"""One call of Xray's API each, from values to values; what to make of the answers is the driver's business.

None has a deadline of its own. They raise `CallFailed`, `ConnectionBroken` and `BadAnswer`.
"""

from collections.abc import AsyncIterator, Iterable
from itertools import islice
from typing import Final, TypeVar

import trio

from integrations.xray import messages
from integrations.xray.grpc import NOT_FOUND, CallFailed, Channel
from integrations.xray.interface import Traffic
from integrations.xray.node import NodeUser

T = TypeVar("T")

#: Entries of a long list that are converted between two looks at the event loop: about 2 ms.
_ENTRIES_IN_A_BATCH: Final = 500


class Calls:
    """The calls that turnpike makes, about one inbound."""

    def __init__(self, channel: Channel, tag: str) -> None:
        """`tag` names the inbound."""
        self.channel = channel
        self._tag = tag

    async def add(self, user: NodeUser) -> str:
        """Add a user; return what the node has against it, in its words, or nothing."""
        return await self._objection(messages.ALTER_INBOUND, messages.add_user(self._tag, user))

    async def remove(self, email: str) -> str:
        """Remove a user; return what the node has against it, in its words, or nothing."""
        return await self._objection(messages.ALTER_INBOUND, messages.remove_user(self._tag, email))

    async def find(self, email: str) -> NodeUser | None:
        """The user of this name, in whatever case."""
        request = messages.inbound_users(self._tag, email)
        answer = await self.channel.call(messages.GET_INBOUND_USERS, request)
        return next(messages.read_users(answer), None)

    async def users(self) -> dict[str, NodeUser]:
        """All users by name, 117 bytes each on the wire."""
        request = messages.inbound_users(self._tag)
        answer = await self.channel.call(messages.GET_INBOUND_USERS, request)
        found: dict[str, NodeUser] = {}
        async for batch in _batches(messages.read_users(answer)):
            found.update((user.email, user) for user in batch)
        return found

    async def count(self) -> int:
        """How many users there are."""
        request = messages.inbound_users(self._tag)
        return messages.read_count(await self.channel.call(messages.GET_INBOUND_USERS_COUNT, request))

    async def uptime(self) -> int:
        """Whole seconds since the start."""
        return messages.read_uptime(await self.channel.call(messages.GET_SYS_STATS, b""))

    async def epoch(self) -> str | None:
        """The name that `mark_epoch` gave to this run."""
        return messages.read_epoch(await self.channel.call(messages.LIST_OUTBOUNDS, b""))

    async def mark_epoch(self, name: str) -> None:
        """Give a name to this run; it lasts as long as the process."""
        await self.channel.call(messages.ADD_OUTBOUND, messages.mark_epoch(name))

    async def traffic(self) -> dict[str, Traffic]:
        """What each user has moved, by name."""
        answer = await self.channel.call(messages.QUERY_STATS, messages.traffic())
        found: dict[str, Traffic] = {}
        async for batch in _batches(messages.read_traffic(answer)):
            for email, part in batch:
                known = found.get(email)
                found[email] = part if known is None else known + part
        return found

    async def online(self) -> dict[str, frozenset[str]]:
        """Who is connected, by name, and their addresses."""
        answer = await self.channel.call(messages.GET_ONLINE_USERS, b"")
        found: dict[str, frozenset[str]] = {}
        async for batch in _batches(messages.read_online_users(answer)):
            found.update(batch)
        return found

    async def addresses(self, email: str) -> frozenset[str]:
        """Addresses from which one user is connected."""
        try:
            answer = await self.channel.call(messages.GET_ONLINE_ADDRESSES, messages.online_addresses(email))
        except CallFailed as error:
            if error.status == NOT_FOUND:
                return frozenset()
            raise
        return messages.read_online_addresses(answer)

    async def block(self, email: str) -> str:
        """Refuse what a user asks for from now on; return what the node has against it, or nothing."""
        return await self._objection(messages.ADD_RULE, messages.block_user(email))

    async def unblock(self, email: str) -> str:
        """Take `block` back; return what the node has against it, or nothing."""
        return await self._objection(messages.REMOVE_RULE, messages.unblock_user(email))

    async def blocked(self) -> set[str]:
        """Names that `block` keeps out; none on a node that cannot do that."""
        try:
            return messages.read_blocked(await self.channel.call(messages.LIST_RULES, b""))
        except CallFailed:
            return set()

    async def keep_out(self, email: str, address: str) -> str:
        """Refuse what a user asks for from an address from now on; return what the node has against it, or nothing."""
        return await self._objection(messages.ADD_RULE, messages.keep_out(email, address))

    async def let_in(self, email: str, address: str) -> str:
        """Take `keep_out` back; return what the node has against it, or nothing."""
        return await self._objection(messages.REMOVE_RULE, messages.let_in(email, address))

    async def kept_out(self) -> set[tuple[str, str]]:
        """Names and addresses that `keep_out` refuses."""
        return messages.read_kept_out(await self.channel.call(messages.LIST_RULES, b""))

    async def _objection(self, method: str, request: bytes) -> str:
        try:
            await self.channel.call(method, request)
        except CallFailed as error:
            return str(error)
        return ""


async def _batches(entries: Iterable[T]) -> AsyncIterator[tuple[T, ...]]:
    """A long list in parts, without holding the event loop for long."""
    waiting = iter(entries)
    while batch := tuple(islice(waiting, _ENTRIES_IN_A_BATCH)):
        yield batch
        await trio.lowlevel.checkpoint()
