"""Reading what a node has counted: a child of the node's actor, so that a long list holds up no change (U12).

It changes no user and sets no counter back; what it may do is keep single addresses of a user out. A user has several
names on a node in the course of time, all of which count.
"""

from collections.abc import Iterable, Mapping
from typing import Final, TypeVar

import trio

from actors.messages import KeepOut, Meter, Metered
from actors.vpn.errors import asking_a_node
from domain.commands import Reading
from domain.names import subscription_named
from integrations.xray.interface import NodeDriver, Traffic
from runtime import Actor, Context, Message

T = TypeVar("T")

#: Entries that are looked at between two looks at the event loop: about a millisecond.
_ENTRIES_AT_ONCE: Final = 500


class NodeMeter(Actor):
    """Reads one node, at the word of the `usage` worker."""

    def __init__(self, context: Context, driver: NodeDriver) -> None:
        super().__init__(context)
        self._driver = driver

    async def receive(self, message: Message) -> object:
        """Read the counters and who is online, or keep addresses out; raises `NodeAway`."""
        match message:
            case Meter():
                with asking_a_node():
                    usage, online = await self._driver.usage(), await self._driver.online()
                return Metered(usage.epoch, await _by_subscription(usage.by_email), await _addresses(online))
            case KeepOut(wanted):
                with asking_a_node():
                    return await self._driver.keep_out(wanted)
            case _:
                return await super().receive(message)


async def _by_subscription(counters: Mapping[str, Traffic]) -> tuple[Reading, ...]:
    found: dict[int, Traffic] = {}
    for number, traffic in await _ours(counters.items()):
        known = found.get(number)
        found[number] = traffic if known is None else known + traffic
    return tuple(Reading(number, each.up, each.down) for number, each in sorted(found.items()))


async def _addresses(online: Mapping[str, frozenset[str]]) -> Mapping[int, frozenset[str]]:
    found: dict[int, frozenset[str]] = {}
    for number, addresses in await _ours(online.items()):
        found[number] = found.get(number, frozenset()) | addresses
    return found


async def _ours(entries: Iterable[tuple[str, T]]) -> list[tuple[int, T]]:
    """What belongs to subscriptions, by their numbers, without holding the event loop for long."""
    found = []
    for at, (name, value) in enumerate(entries, 1):
        if (number := subscription_named(name)) is not None:
            found.append((number, value))
        if at % _ENTRIES_AT_ONCE == 0:
            await trio.lowlevel.checkpoint()
    return found
