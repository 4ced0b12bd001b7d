"""Who asks over HTTP, and how often they may: a bucket for each address, in bounded memory.

An address is what our proxies say, and only they: anybody else can write any `X-Forwarded-For`. An IPv6 customer has a
whole /64, so that is one address here.
"""

from collections import OrderedDict
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

Network: TypeAlias = IPv4Network | IPv6Network

_IPV6_PREFIX: Final = 64


def client_address(peer: str, forwarded_for: str, proxies: Sequence[Network]) -> str:
    """The address to count a request for, from the connection's peer and the `X-Forwarded-For` header.

    Read from the right, where each proxy of ours added whom it saw, up to the first that is not ours.
    """
    found = peer
    for hop in reversed([each.strip() for each in forwarded_for.split(",")]):
        if not _is_in(found, proxies) or not _is_address(hop):
            break
        found = hop
    return _counted(found)


class RateLimit:
    """Token buckets: `burst` requests at once, then `per_second`; the addresses seen last are remembered."""

    def __init__(self, *, burst: int, per_second: float, addresses: int) -> None:
        """Remember at most so many addresses; whoever is forgotten begins with a full bucket."""
        self._burst: Final = burst
        self._per_second: Final = per_second
        self._addresses: Final = addresses
        #: What was left in a bucket, and when that was; the address seen last stands last.
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, address: str, now: float) -> float:
        """Take one request of an address; 0 if it may go on, else the seconds until the next one may.

        `now` is in seconds of any one monotonic clock.
        """
        left, at = self._buckets.pop(address, (float(self._burst), now))
        left = min(float(self._burst), left + (now - at) * self._per_second)
        wait = 0.0 if left >= 1 else (1 - left) / self._per_second
        self._buckets[address] = (left if wait else left - 1, now)
        if len(self._buckets) > self._addresses:
            self._buckets.popitem(last=False)
        return wait

    def __len__(self) -> int:
        """How many addresses are remembered."""
        return len(self._buckets)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_in(address: str, networks: Sequence[Network]) -> bool:
    return _is_address(address) and any(ip_address(address) in network for network in networks)


def _counted(address: str) -> str:
    if not _is_address(address):
        return address
    found = ip_address(address)
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ip_network((found, _IPV6_PREFIX), strict=False))
