"""Removed users who could not be cut: what they have open may go on, but a multiplexing client opens no more over it.

The node keeps the blocks, as rules of its routing, so what an earlier driver left there is learnt from it.
"""

import trio

from integrations.xray.calls import Calls


class Blocks:
    """The blocks of one node. Raises what `Calls` raises."""

    def __init__(self, calls: Calls, *, can_multiplex: bool) -> None:
        """Vision has no multiplexing clients, hence nothing to block."""
        self._calls = calls
        self._can_multiplex = can_multiplex
        #: As far as the connection of that number told.
        self._names: set[str] = set()
        self._as_of = -1
        self._learning = trio.Lock()

    async def put(self, email: str) -> None:
        """Keep a user from opening more."""
        if self._can_multiplex and email not in await self._known() and not await self._calls.block(email):
            self._names.add(email)

    async def lift(self, email: str) -> None:
        """Take `put` back, if there is anything to take back."""
        if self._can_multiplex and email in await self._known():
            await self._calls.unblock(email)
            self._names.discard(email)

    def may_have(self, email: str) -> bool:
        """Whether the node may block this user, as far as is known without asking it."""
        return self._can_multiplex and (not self._has_learnt or email in self._names)

    @property
    def _has_learnt(self) -> bool:
        return self._as_of == self._calls.channel.connections

    async def _known(self) -> set[str]:
        # Whoever has to wait for a lock goes on alone, and their call is written alone; so only who needs it takes it.
        if self._has_learnt:
            return self._names
        async with self._learning:
            if not self._has_learnt:
                self._names = await self._calls.blocked()
                self._as_of = self._calls.channel.connections
            return self._names
