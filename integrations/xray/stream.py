"""What Xray calls stream settings, for both ends of a connection, from one description.

What only the node's own configuration may hold lives here too: no function that makes a link or a client's
configuration takes it.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias, assert_never

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from integrations.xray.transport import Grpc, Raw, Reality, Security, Tls, Transport, WebSocket, Xhttp

#: A JSON object for Xray, ready for `json.dumps`.
Config: TypeAlias = dict[str, object]

_TARGET: Final = re.compile(r"\S+:[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class RealityPrivate:
    """The node's half of REALITY: the key, and the web site (`host:port`) that strangers are shown."""

    private_key: str = field(repr=False)
    target: str


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """The node's half of TLS: its certificate chain and key in PEM files, which Xray reads again when they change."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class TlsInFront:
    """TLS ends in a proxy in front of the node, which itself listens without."""


Private: TypeAlias = RealityPrivate | TlsFiles | TlsInFront | None


class RealityKeys(NamedTuple):
    """A fresh X25519 pair as Xray writes it (base64url without padding)."""

    public: str
    private: str

    def __repr__(self) -> str:
        """Show the public key only."""
        return f"RealityKeys(public={self.public!r})"


def reality_keys() -> RealityKeys:
    """Make a new key pair; the private one belongs in a secret, the public one in links."""
    key = X25519PrivateKey.generate()
    private = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    return RealityKeys(
        _base64url(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)), _base64url(private)
    )


def private_contradiction(security: Security, private: Private) -> str | None:
    """What Xray would refuse, or worse take, without giving a reason; None if the halves fit."""
    match security, private:
        case Reality(), RealityPrivate():
            if _public_key_of(private.private_key) != security.public_key:
                return "REALITY's public_key does not belong to its private key, make a new pair"
            if not _TARGET.fullmatch(private.target):
                return f"REALITY needs a target like 'www.example.com:443', found {private.target!r}"
            return None
        case (Tls(), TlsFiles() | TlsInFront()) | (None, None):
            return None
        case Reality(), _:
            return "REALITY needs its private key and target, none was given"
        case Tls(), _:
            return "TLS needs a certificate and its key, or a proxy in front that has them"
        case _:
            return "it has a private half of TLS or REALITY, but neither of them"


def server_stream(transport: Transport, security: Security, private: Private) -> Config:
    """The node's end; the halves must fit. It takes any Host header and any XHTTP mode."""
    match security, private:
        case Reality(), RealityPrivate():
            settings: Config = {
                "target": private.target,
                "serverNames": [security.server_name],
                "privateKey": private.private_key,
                "shortIds": [security.short_id],
            }
            return _network(transport) | {"security": "reality", "realitySettings": settings}
        case Tls(), TlsFiles():
            files = {"certificateFile": str(private.certificate), "keyFile": str(private.key)}
            return _network(transport) | {"security": "tls", "tlsSettings": {"certificates": [files]}}
        case _:
            return _network(transport)


def client_stream(transport: Transport, security: Security) -> Config:
    """The client's end."""
    network = _network(transport, **_requests(transport))
    match security:
        case None:
            return network
        case Tls():
            tls: Config = {"serverName": security.server_name, "fingerprint": security.fingerprint}
            if security.pinned_sha256:
                tls["pinnedPeerCertSha256"] = security.pinned_sha256
            return network | {"security": "tls", "tlsSettings": tls}
        case Reality():
            reality: Config = {
                "serverName": security.server_name,
                "fingerprint": security.fingerprint,
                "password": security.public_key,
                "shortId": security.short_id,
                "spiderX": "/",
            }
            return network | {"security": "reality", "realitySettings": reality}


def _network(transport: Transport, **requests: str) -> Config:
    match transport:
        case Raw():
            return {"network": "raw"}
        case WebSocket(path):
            return {"network": "ws", "wsSettings": {"path": path, **requests}}
        case Grpc(service_name):
            return {"network": "grpc", "grpcSettings": {"serviceName": service_name}}
        case Xhttp(path):
            return {"network": "xhttp", "xhttpSettings": {"path": path, **requests}}
        case _:
            assert_never(transport)


def _requests(transport: Transport) -> dict[str, str]:
    """What a client's requests are like beside their path."""
    match transport:
        case WebSocket(_, host):
            return {"host": host} if host else {}
        case Xhttp(_, host, mode):
            return {"host": host, "mode": mode} if host else {"mode": mode}
        case _:
            return {}


def _public_key_of(private_key: str) -> str | None:
    try:
        key = X25519PrivateKey.from_private_bytes(urlsafe_b64decode(private_key + "="))
    except ValueError:
        return None
    return _base64url(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))


def _base64url(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
