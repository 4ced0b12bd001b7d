"""What a node is, in three values that are kept apart on purpose.

`Node` is public: all of it may end in a share link, a log or a page. `RealityPrivate` is what only the node's own
configuration may hold; no function that makes a link takes it. `NodeUser` is one credential on a node.
"""

import os
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeAlias
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

#: A JSON object for Xray, ready for `json.dumps`.
Config: TypeAlias = dict[str, object]

VISION: Final = "xtls-rprx-vision"

#: Policy level of every user: the only one that the configuration declares, hence the only one with counters.
LEVEL: Final = 0

#: Seconds until Xray closes a connection on which nothing moves; a removed user's idle connections end by it.
IDLE_SECONDS: Final = 120

#: Linux's limit for the address of a unix socket.
_SOCKET_PATH_BYTES_MAX: Final = 107

_NAME: Final = re.compile(r"[a-z0-9_-]{1,32}")
_SHORT_ID: Final = re.compile(r"(?:[0-9a-f]{2}){0,8}")
_TARGET: Final = re.compile(r"\S+:[0-9]{1,5}")
_EMAIL: Final = re.compile(r"[a-z0-9._-]{1,64}")


class BadNode(ValueError):
    """The values of a node contradict each other; the message is one sentence for the operator."""


class BadUser(ValueError):
    """A user that must not be sent to a node; the message says which rule it breaks."""


@dataclass(frozen=True, slots=True)
class Reality:
    """The public half of REALITY: what a client needs to know."""

    server_name: str
    public_key: str
    short_id: str
    fingerprint: str = "chrome"


@dataclass(frozen=True, slots=True)
class RealityPrivate:
    """The node's half of REALITY: the key, and the web site (`host:port`) that strangers are shown."""

    private_key: str = field(repr=False)
    target: str


class RealityKeys(NamedTuple):
    """A fresh X25519 pair as Xray writes it (base64url without padding)."""

    public: str
    private: str

    def __repr__(self) -> str:
        """Show the public key only."""
        return f"RealityKeys(public={self.public!r})"


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
    flow: str = ""
    reality: Reality | None = None
    #: What a client app shows as the name of the connection.
    label: str = ""

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
        if self.flow not in ("", VISION):
            raise BadNode(
                f"node {self.name!r}: flow {self.flow!r} is unknown, expected nothing or {VISION!r}"
            )
        if self.flow and self.reality is None:
            raise BadNode(
                f"node {self.name!r}: flow {self.flow!r} needs REALITY, give its keys or drop the flow"
            )

    @property
    def security(self) -> Literal["none", "reality"]:
        """Xray's word for what protects the transport."""
        return "none" if self.reality is None else "reality"


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
        """What Xray really compares: it zeroes bytes 6 and 7, so UUIDs that differ only there are one user."""
        raw = self.uuid.bytes
        return raw[:6] + b"\0\0" + raw[8:]

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


def reality_keys() -> RealityKeys:
    """Make a new key pair; the private one belongs in a secret, the public one in links."""
    key = X25519PrivateKey.generate()
    private = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    return RealityKeys(
        _base64url(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)), _base64url(private)
    )


def server_config(
    node: Node,
    private: RealityPrivate | None = None,
    *,
    users: Iterable[NodeUser] = (),
    listen: str = "0.0.0.0",
    allow_private_targets: bool = False,
) -> Config:
    """Build Xray's configuration for this node, with `users` present from its first moment.

    `listen` is the local address of the inbound; the default serves IPv4 and IPv6. `allow_private_targets` lets
    customers reach private and loopback addresses: for sandboxes and tests only. With tens of thousands of `users`
    call it in a worker thread. Raises `BadNode`, `BadUser`.
    """
    roster = list(users)
    _check_roster(roster)
    level = {
        "statsUserUplink": True,
        "statsUserDownlink": True,
        "statsUserOnline": True,
        "connIdle": IDLE_SECONDS,
    }
    clients = [{"id": str(user.uuid), "email": user.email, "flow": user.flow} for user in roster]
    freedom: Config = {"finalRules": [{"action": "allow"}]} if allow_private_targets else {}
    return {
        "log": {"loglevel": "warning", "access": "none"},
        "api": {"tag": "api", "listen": str(node.api_socket), "services": ["HandlerService", "StatsService"]},
        "stats": {},
        "policy": {
            "levels": {str(LEVEL): level},
            "system": {"statsInboundUplink": True, "statsInboundDownlink": True},
        },
        "inbounds": [
            {
                "tag": node.inbound_tag,
                "listen": listen,
                "port": node.port,
                "protocol": "vless",
                "settings": {"clients": clients, "decryption": "none"},
                "streamSettings": _server_transport(node, private),
            }
        ],
        "outbounds": [
            {"tag": "direct", "protocol": "freedom", "settings": freedom},
            {"tag": "block", "protocol": "blackhole"},
        ],
    }


def _server_transport(node: Node, private: RealityPrivate | None) -> Config:
    if node.reality is None:
        return {"network": "raw"}
    if private is None:
        raise BadNode(f"node {node.name!r}: REALITY needs its private key and target, none was given")
    _check_reality(node.name, node.reality, private)
    settings: Config = {
        "target": private.target,
        "serverNames": [node.reality.server_name],
        "privateKey": private.private_key,
        "shortIds": [node.reality.short_id],
    }
    return {"network": "raw", "security": "reality", "realitySettings": settings}


def _check_reality(name: str, public: Reality, private: RealityPrivate) -> None:
    """Xray gives no reason when it refuses these, and a wrong public key only shows as customers without access."""
    if _public_key_of(private.private_key) != public.public_key:
        raise BadNode(
            f"node {name!r}: REALITY's public_key does not belong to its private key, make a new pair"
        )
    if not _SHORT_ID.fullmatch(public.short_id):
        raise BadNode(
            f"node {name!r}: short_id {public.short_id!r} is not 0 to 8 bytes in lower-case hexadecimal"
        )
    if not public.server_name or not _TARGET.fullmatch(private.target):
        raise BadNode(f"node {name!r}: REALITY needs a server_name and a target like 'www.example.com:443'")


def _public_key_of(private_key: str) -> str | None:
    try:
        key = X25519PrivateKey.from_private_bytes(urlsafe_b64decode(private_key + "="))
    except ValueError:
        return None
    return _base64url(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))


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


def _base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
