"""What a node is: `Node`, all of it public, which may end in a share link, a log or a page; and `NodeUser`, one
credential on it. From both comes the node's own configuration, with a private half that no link ever sees.
"""

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from uuid import UUID

from domain.names import IN_GRACE
from integrations.xray.keeper import SUFFIX, TRAIL_PATH
from integrations.xray.stream import Config, Private, private_contradiction, server_stream
from integrations.xray.transport import RAW, VISION, Security, Transport, contradiction

#: Policy level of every user: the only one that the configuration declares, hence the only one with counters.
LEVEL: Final = 0

#: Seconds until Xray closes a connection on which nothing moves; a removed user's idle connections end by it.
IDLE_SECONDS: Final = 120

#: Outbound that swallows everything.
BLOCK: Final = "block"

#: Linux's limit for the address of a unix socket, less what the keeper's socket beside it needs.
_SOCKET_PATH_BYTES_MAX: Final = 107 - len(SUFFIX)

_NAME: Final = re.compile(r"[a-z0-9_-]{1,32}")
_EMAIL: Final = re.compile(r"[a-z0-9._-]{1,64}")


class BadNode(ValueError):
    """The values of a node contradict each other; the message is one sentence for the operator."""


class BadUser(ValueError):
    """A user that must not be sent to a node; the message says which rule it breaks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One VLESS inbound on one Xray: where people reach it, where we control it. Raises `BadNode`."""

    #: Names its files, its actor and it itself in messages to the operator.
    name: str
    #: Public address in links: a host name or an IP address, IPv6 without brackets.
    host: str
    port: int
    #: Unix socket of Xray's API: its only protection is the owner's permission, so it is never a TCP port.
    api_socket: Path
    inbound_tag: str = "vless"
    transport: Transport = RAW
    security: Security = None
    flow: str = ""
    #: What a client app shows as the name of the connection.
    label: str = ""
    #: What users in grace reach, by the node's configuration: names and networks. Without any, they are not there.
    grace: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what Xray would refuse without giving a reason."""
        if not _NAME.fullmatch(self.name):
            raise BadNode(f"node {self.name!r}: a name is 1 to 32 of a-z 0-9 _ -")
        if not self.host or not self.inbound_tag:
            raise BadNode(f"node {self.name!r}: host and inbound_tag must not be empty")
        if len(os.fsencode(self.api_socket)) > _SOCKET_PATH_BYTES_MAX:
            raise BadNode(
                f"node {self.name!r}: the path of its API socket is longer than {_SOCKET_PATH_BYTES_MAX} bytes, "
                f"choose a shorter folder than {self.api_socket.parent}"
            )
        if not 1 <= self.port <= 65535:
            raise BadNode(f"node {self.name!r}: port {self.port} is not between 1 and 65535")
        if (reason := contradiction(self.transport, self.security, self.flow)) is not None:
            raise BadNode(f"node {self.name!r}: {reason}")


def credential_of(uuid: UUID) -> bytes:
    """What Xray really compares: it zeroes bytes 6 and 7, so UUIDs that differ only there are one user."""
    raw = uuid.bytes
    return raw[:6] + b"\0\0" + raw[8:]


@dataclass(frozen=True, slots=True)
class NodeUser:
    """One credential on a node, as the node holds it; `check` says whether we may send it.

    Users that somebody else put on the node are expressed by it too, so reconciliation can see and remove them.
    """

    email: str
    uuid: UUID = field(repr=False)
    flow: str = ""
    level: int = LEVEL

    @property
    def credential(self) -> bytes:
        """See `credential_of`."""
        return credential_of(self.uuid)

    def check(self) -> None:
        """Raise `BadUser` for what Xray would accept and then mishandle (ghosts, look-alikes, no counters)."""
        if not _EMAIL.fullmatch(self.email):
            raise BadUser(f"user name {self.email!r} is not 1 to 64 of a-z 0-9 . _ -")
        if self.flow not in ("", VISION):
            raise BadUser(
                f"flow {self.flow!r} of user {self.email!r} is unknown, expected nothing or {VISION!r}"
            )
        if self.level != LEVEL:
            raise BadUser(f"level {self.level} of user {self.email!r} has no counters, expected {LEVEL}")


def server_config(
    node: Node,
    private: Private = None,
    *,
    users: Iterable[NodeUser] = (),
    listen: str = "0.0.0.0",
    listen_port: int | None = None,
    allow_private_targets: bool = False,
) -> Config:
    """Build Xray's configuration for this node, with `users` present from its first moment.

    `listen` is the local address of the inbound; the default serves IPv4 and IPv6. `listen_port` is the local port
    if it is not the one that people connect to, as behind a proxy. `allow_private_targets` lets customers reach
    private and loopback addresses: for sandboxes and tests only. Many users go in by `open_xray`'s `clients` instead.
    Raises `BadNode`, `BadUser`.
    """
    if (reason := private_contradiction(node.security, private)) is not None:
        raise BadNode(f"node {node.name!r}: {reason}")
    roster = list(users)
    _check_roster(roster)
    level = {
        "statsUserUplink": True,
        "statsUserDownlink": True,
        "statsUserOnline": True,
        "connIdle": IDLE_SECONDS,
    }
    clients = [client_of(user) for user in roster]
    freedom: Config = {"finalRules": [{"action": "allow"}]} if allow_private_targets else {}
    return {
        "log": {"loglevel": "warning", "access": TRAIL_PATH},
        "api": {
            "tag": "api",
            "listen": str(node.api_socket),
            "services": ["HandlerService", "StatsService", "RoutingService"],
        },
        "stats": {},
        "policy": {
            "levels": {str(LEVEL): level},
            "system": {"statsInboundUplink": True, "statsInboundDownlink": True},
        },
        "inbounds": [
            {
                "tag": node.inbound_tag,
                "listen": listen,
                "port": node.port if listen_port is None else listen_port,
                "protocol": "vless",
                "settings": {"clients": clients, "decryption": "none"},
                "streamSettings": server_stream(node.transport, node.security, private),
                **_inbound_extras(node),
            }
        ],
        "outbounds": [
            {"tag": "direct", "protocol": "freedom", "settings": freedom},
            {"tag": BLOCK, "protocol": "blackhole"},
        ],
        # Without a list of them, the API could not add one.
        "routing": {"rules": _grace_rules(node)},
    }


def _inbound_extras(node: Node) -> Config:
    """Names are read from what people send first: the rules of grace are about names, apps may send addresses only."""
    if not node.grace:
        return {}
    return {"sniffing": {"enabled": True, "destOverride": ["http", "tls", "quic"], "routeOnly": True}}


def _grace_rules(node: Node) -> list[Config]:
    """Users whose name says that they are in grace reach these hosts, and name servers to find them; nothing else."""
    if not node.grace:
        return []
    users = [f"regexp:^{IN_GRACE}[0-9]"]
    networks = [host for host in node.grace if "/" in host or _is_address(host)]
    names = [f"domain:{host}" for host in node.grace if host not in networks]
    reached: list[Config] = [{"domain": names}] if names else []
    reached += [{"ip": networks}] if networks else []
    reached.append({"network": "udp", "port": "53"})
    return [
        *({**each, "user": users, "outboundTag": "direct"} for each in reached),
        {"user": users, "outboundTag": BLOCK},
    ]


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def client_of(user: NodeUser) -> Config:
    """A user as the configuration of an inbound has it."""
    return {"id": str(user.uuid), "email": user.email, "flow": user.flow}


def _check_roster(users: Sequence[NodeUser]) -> None:
    """Two names for one credential would look fine until the removal of either cuts both."""
    owners: dict[bytes, str] = {}
    for user in users:
        user.check()
        other = owners.setdefault(user.credential, user.email)
        if other != user.email:
            raise BadUser(
                f"users {other!r} and {user.email!r} have the same credential, each needs its own UUID"
            )
    if len({user.email for user in users}) != len(users):
        raise BadUser("the same user name stands twice in the list of a node's users")
