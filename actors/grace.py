"""`[grace]` of `supervisor.toml`: a time after the end of a subscription in which its user can still pay.

People who reach Telegram only through the VPN could not renew it otherwise. In that time they reach Telegram, whatever
hosts the operator names for payment pages, and nothing else. The key stays the same, and the time ends by itself.
"""

import re
from ipaddress import ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

import msgspec

#: Telegram as it describes itself (core.telegram.org/resources/cidr.txt); its apps connect to addresses, not to names.
TELEGRAM: Final = (
    "telegram.org",
    "t.me",
    "telegram.me",
    "telegram-cdn.org",
    "91.105.192.0/23",
    "91.108.4.0/22",
    "91.108.8.0/22",
    "91.108.12.0/22",
    "91.108.16.0/22",
    "91.108.20.0/22",
    "91.108.56.0/22",
    "149.154.160.0/20",
    "185.76.151.0/24",
    "2001:67c:4e8::/48",
    "2001:b28:f23c::/48",
    "2001:b28:f23d::/48",
    "2001:b28:f23f::/48",
    "2a0a:f280::/32",
)

_HOST: Final = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")


class GraceEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long, and which hosts besides Telegram: names with everything below them, or networks."""

    period: str
    hosts: tuple[str, ...] = ()


def check_hosts(entry: GraceEntry) -> None:
    """Raise ValueError with a sentence if a host is none."""
    for host in entry.hosts:
        if not _HOST.fullmatch(host) and not _is_network(host):
            raise ValueError(
                f"grace.hosts: found {host!r}, expected a name such as 'pay.example.com' or a network such as "
                "'203.0.113.0/24'"
            )


def hosts_in_grace(entry: GraceEntry | None, public_url: str) -> tuple[str, ...]:
    """What users in grace reach: Telegram, what the operator names, and the shop's own pages; nothing without grace."""
    if entry is None:
        return ()
    own = urlsplit(public_url).hostname or ""
    return (*TELEGRAM, *entry.hosts, *((own,) if _HOST.fullmatch(own) or _is_public(own) else ()))


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True


def _is_public(text: str) -> bool:
    try:
        return ip_address(text).is_global
    except ValueError:
        return False
