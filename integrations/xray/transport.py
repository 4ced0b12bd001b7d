"""How the bytes of a connection travel: the transport, and what protects it.

All of it is public: it stands in share links and pages, and every configuration of a node, of our own client and of
the apps of customers is generated from these values. What only the node may know is in `integrations.xray.stream`.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

#: The flow that hides TLS in TLS; it works on the raw transport under TLS or REALITY only.
VISION: Final = "xtls-rprx-vision"

XhttpMode: TypeAlias = Literal["auto", "packet-up", "stream-up", "stream-one"]

_PATH: Final = re.compile(r"/[^\s\x00-\x1f\x7f#]*")
_SHORT_ID: Final = re.compile(r"(?:[0-9a-f]{2}){0,8}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Raw:
    """Plain TCP."""


RAW: Final = Raw()


@dataclass(frozen=True, slots=True)
class WebSocket:
    """WebSocket, which passes through web proxies and CDNs."""

    path: str = "/"
    #: What stands in the Host header; empty means the server name or the address.
    host: str = ""


@dataclass(frozen=True, slots=True)
class Grpc:
    """gRPC over HTTP/2."""

    service_name: str


@dataclass(frozen=True, slots=True)
class Xhttp:
    """XHTTP: ordinary HTTP requests; the mode is how a client sends upwards, a node of ours takes all of them."""

    path: str = "/"
    host: str = ""
    mode: XhttpMode = "auto"


Transport: TypeAlias = Raw | WebSocket | Grpc | Xhttp


@dataclass(frozen=True, slots=True)
class Tls:
    """TLS with a certificate of the node's own, or of the proxy in front of it."""

    server_name: str
    fingerprint: str = "chrome"
    #: SHA-256 of the one certificate that clients accept, as 64 hexadecimal digits; empty means what authorities sign.
    pinned_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Reality:
    """The public half of REALITY: what a client needs to know."""

    server_name: str
    public_key: str
    short_id: str
    #: Nodes let nobody in whose greeting lacks the key exchange X25519MLKEM768; every app sends it with this one.
    fingerprint: str = "chrome"


#: What protects the transport; None is nothing at all.
Security: TypeAlias = Tls | Reality | None


def contradiction(transport: Transport, security: Security, flow: str) -> str | None:
    """What a client could not use, as the rest of a sentence; None if there is nothing."""
    if flow not in ("", VISION):
        return f"flow {flow!r} is unknown, expected nothing or {VISION!r}"
    if flow and (security is None or not isinstance(transport, Raw)):
        return f"flow {flow!r} needs the raw transport under TLS or REALITY, add one of them or drop the flow"
    if isinstance(security, Reality) and isinstance(transport, WebSocket):
        return "REALITY cannot carry WebSocket, choose TLS, or XHTTP in its place"
    if isinstance(transport, WebSocket | Xhttp) and not _PATH.fullmatch(transport.path):
        return f"path {transport.path!r} is not like '/secret', without spaces and #"
    if isinstance(transport, Grpc) and (not transport.service_name or "/" in transport.service_name):
        return f"service_name {transport.service_name!r} must not be empty or hold a /"
    return _unusable(security)


def _unusable(security: Security) -> str | None:
    match security:
        case Reality() if not _SHORT_ID.fullmatch(security.short_id):
            return f"short_id {security.short_id!r} is not 0 to 8 bytes in lower-case hexadecimal"
        case Tls() if security.pinned_sha256 and not _SHA256.fullmatch(security.pinned_sha256):
            return f"pinned_sha256 {security.pinned_sha256!r} is not 64 lower-case hexadecimal digits"
        case Tls() | Reality() if not security.server_name:
            return "TLS and REALITY need a server_name"
        case _:
            return None
