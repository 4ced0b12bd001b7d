"""Customers of a node reach the whole world through it, but not the agent beside it.

A stranger gets nowhere with the agent anyway. But a customer would come from the node itself, past any firewall, so the
node's own way out is closed to that port. Xray looks at these rules last, when a name has become an address.
"""

from collections.abc import Collection
from ipaddress import IPv6Address, ip_address
from itertools import pairwise
from pathlib import Path
from typing import cast

from integrations.xray.stream import Config


def fenced(config: Config, addresses: Collection[str], port: int) -> Config:
    """The same configuration, whose customers do not reach this port of these addresses; names are left out."""
    numbers = sorted(address for address in addresses if _is_number(address))
    rule: Config = {"action": "block", "ip": numbers, "port": str(port)}
    outbounds = cast(list[Config], config["outbounds"])
    return config | {"outbounds": [_behind(rule, outbound) for outbound in outbounds]} if numbers else config


def own_addresses() -> set[str]:
    """Every address of this machine."""
    return {*_own_ipv4(), *_own_ipv6()}


def _behind(rule: Config, outbound: Config) -> Config:
    if outbound["protocol"] != "freedom":
        return outbound
    settings = cast(Config, outbound.get("settings", {}))
    rules = cast(list[Config], settings.get("finalRules", []))
    return outbound | {"settings": settings | {"finalRules": [rule, *rules]}}


def _is_number(address: str) -> bool:
    try:
        ip_address(address)
    except ValueError:
        return False
    return True


def _own_ipv4() -> set[str]:
    """Addresses that the kernel's table of routes calls local; each stands on the line before that word."""
    lines = Path("/proc/net/fib_trie").read_text().splitlines()
    pairs = pairwise(lines)
    return {line.split()[-1] for line, after in pairs if after.strip().startswith("/32 host LOCAL")}


def _own_ipv6() -> set[str]:
    path = Path("/proc/net/if_inet6")
    if not path.exists():
        return set()
    return {str(IPv6Address(bytes.fromhex(line.split()[0]))) for line in path.read_text().splitlines()}
