"""Reading what a node has counted: a child of the node's actor, so that a long list holds up no change (U12).

It changes no user and sets no counter back; what it may do is keep single addresses of a user out. A user has several
names on a node in the course of time, all of which count.
"""

from collections.abc import Mapping

from actors.messages import KeepOut, Meter, Metered
from actors.parts import in_parts
from actors.vpn.errors import asking_a_node
from domain.commands import Reading
from domain.names import subscription_named
from integrations.xray.interface import NodeDriver, Traffic
from runtime import Actor, Context, Message


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
    async for part in in_parts(counters.items()):
        for name, traffic in part:
            if (number := subscription_named(name)) is not None:
                known = found.get(number)
                found[number] = traffic if known is None else known + traffic
    readings: list[Reading] = []
    async for numbers in in_parts(sorted(found)):
        readings += [Reading(number, found[number].up, found[number].down) for number in numbers]
    return tuple(readings)


async def _addresses(online: Mapping[str, frozenset[str]]) -> Mapping[int, frozenset[str]]:
    found: dict[int, frozenset[str]] = {}
    async for part in in_parts(online.items()):
        for name, addresses in part:
            if (number := subscription_named(name)) is not None:
                known = found.get(number)
                found[number] = addresses if known is None else known | addresses
    return found
