"""`[[nodes]]` of `supervisor.toml`: what an operator says of a node, and the `Node` that it makes.

A node without `api` is ours: turnpike runs its Xray on this machine, makes its REALITY keys at the first start and
keeps them in the data folder. One whose `api` is an agent is ours too, on another machine. Of the others it knows what
customers need, and where to reach their API.
"""

import re
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

import msgspec

from integrations.xray.certificate import BadCertificate, pin_of
from integrations.xray.node import Node
from integrations.xray.stream import Private, RealityPrivate, TlsFiles, TlsInFront, reality_keys
from integrations.xray.transport import (
    RAW,
    VISION,
    Grpc,
    Raw,
    Reality,
    Security,
    Tls,
    Transport,
    WebSocket,
    Xhttp,
    XhttpMode,
    contradiction,
)
from runtime import ConfigError

_AGENT = re.compile(r"agent://(?:\[(?P<ipv6>[^\]]+)\]|(?P<host>[^:/\[\]]+)):(?P<port>[0-9]{1,5})")
_LISTEN_PORT = re.compile(r"(?:\[(?P<ipv6>[^\]]+)\]|(?P<ipv4>[0-9.]+)):(?P<port>[0-9]{1,5})")


class RealityEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """REALITY of a node; the keys of a node that turnpike runs itself are made at its first start."""

    server_name: str
    target: str = ""
    public_key: str = ""
    short_id: str = ""


class TlsEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """TLS of a node; without files it ends in a proxy in front of a node that turnpike runs itself."""

    server_name: str
    certificate: str = ""
    key: str = ""


class WebSocketEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """WebSocket in place of plain TCP."""

    path: str
    host: str = ""


class GrpcEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """GRPC in place of plain TCP."""

    service_name: str


class XhttpEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """XHTTP in place of plain TCP."""

    path: str
    host: str = ""
    mode: XhttpMode = "auto"


class NodeEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One `[[nodes]]` entry; without `api`, turnpike runs the node's Xray itself on this machine.

    `api` is the path of a unix socket, or `agent://HOST:PORT` of an agent that runs the node elsewhere.
    """

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_-]{1,32}$")]
    host: str
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)]
    label: str = ""
    listen: str = "0.0.0.0"
    api: str | None = None
    reality: RealityEntry | None = None
    tls: TlsEntry | None = None
    websocket: WebSocketEntry | None = None
    grpc: GrpcEntry | None = None
    xhttp: XhttpEntry | None = None


def check_entry(entry: NodeEntry) -> None:
    """Find what msgspec cannot see; raises `ValueError` with one sentence that names the entry."""
    mistake = _mistake(entry)
    if mistake is not None:
        raise ValueError(f"nodes.{entry.name}.{mistake}")


def agent_of(entry: NodeEntry) -> tuple[str, int] | None:
    """Host and port of the agent that runs the node, None if there is none; raises `ValueError`."""
    if entry.api is None or not entry.api.startswith("agent:"):
        return None
    match = _AGENT.fullmatch(entry.api)
    if match is None or not 1 <= int(match["port"]) <= 65535:
        raise ValueError(f"found {entry.api!r}, expected an agent such as 'agent://198.51.100.7:8443'")
    return match["ipv6"] or match["host"], int(match["port"])


def is_ours(entry: NodeEntry) -> bool:
    """Whether turnpike writes the node's configuration, here or elsewhere."""
    return entry.api is None or agent_of(entry) is not None


def listen_of(entry: NodeEntry) -> tuple[str, int]:
    """The local address and port that a node of ours listens on; raises `ValueError`."""
    match = _LISTEN_PORT.fullmatch(entry.listen)
    if match is None:
        return str(ip_address(entry.listen)), entry.port
    port = int(match["port"])
    if not 1 <= port <= 65535:
        raise ValueError(f"port {port} is not between 1 and 65535")
    return str(ip_address(match["ipv6"] or match["ipv4"])), port


def node_folder(data_folder: Path, name: str) -> Path:
    """Where the configuration, log and keys of a node lie that turnpike runs itself."""
    return data_folder / "nodes" / name


def node_of(entry: NodeEntry, data_folder: Path, entropy_hex: str, grace: tuple[str, ...] = ()) -> Node:
    """The public description of a node; makes and keeps the REALITY keys of a node of ours at its first start.

    `entropy_hex` is sixteen random hexadecimal digits for a new short id, `grace` what users in grace reach where the
    configuration is ours. Raises `ConfigError` if the certificate is
    of no use.
    """
    folder = node_folder(data_folder, entry.name)
    transport = _transport(entry)
    security = _reality(entry, folder, entropy_hex) if entry.tls is None else _tls(entry.name, entry.tls)
    return Node(
        name=entry.name,
        host=entry.host,
        port=entry.port,
        api_socket=folder / "api.sock" if is_ours(entry) else Path(entry.api or ""),
        transport=transport,
        security=security,
        flow=VISION if isinstance(transport, Raw) and security is not None else "",
        label=entry.label or entry.name,
        grace=grace if is_ours(entry) else (),
    )


def private_of(entry: NodeEntry, data_folder: Path) -> Private:
    """What only the configuration of a node of ours may hold; `node_of` has made the keys."""
    if entry.reality is not None:
        keys = _read_keys(node_folder(data_folder, entry.name))
        return RealityPrivate(keys.private, entry.reality.target or f"{entry.reality.server_name}:443")
    if entry.tls is None:
        return None
    if entry.tls.certificate:
        return TlsFiles(Path(entry.tls.certificate), Path(entry.tls.key))
    return TlsInFront()


def _mistake(entry: NodeEntry) -> str | None:
    """What is wrong, beginning with the key, or None."""
    if len([each for each in (entry.websocket, entry.grpc, entry.xhttp) if each is not None]) > 1:
        return "websocket, grpc, xhttp: a node has one transport, expected at most one of them"
    if entry.reality is not None and entry.tls is not None:
        return "tls: found beside reality, expected one of them"
    reality, tls = entry.reality, entry.tls
    try:
        ours = is_ours(entry)
    except ValueError as error:
        return f"api: {error}"
    if reality is not None and not ours and not reality.public_key:
        return "reality.public_key: missing, expected the public key of that Xray"
    if reality is None and tls is None and not _is_near(entry.host):
        return f"host: apps refuse {entry.host} without protection, expected reality or tls beside it"
    if tls is not None and bool(tls.certificate) != bool(tls.key):
        return "tls: found a certificate or a key, expected both or neither"
    try:
        _, port = listen_of(entry)
    except ValueError:
        return f"listen: found {entry.listen!r}, expected an address such as '0.0.0.0' or '127.0.0.1:8443'"
    if tls is not None and not tls.certificate and ours and port == entry.port:
        return (
            "tls: expected certificate and key, or a port in listen (such as '127.0.0.1:8443') that the proxy "
            "with the certificate passes connections to"
        )
    placeholder = Reality(reality.server_name, "", reality.short_id) if reality else None
    security = Tls(tls.server_name) if tls else placeholder
    reason = contradiction(_transport(entry), security, "")
    return None if reason is None else f"transport: {reason}"


def _is_near(host: str) -> bool:
    """Whether Xray's clients connect to the host without TLS or REALITY: a private address, never a name."""
    try:
        return ip_address(host).is_private
    except ValueError:
        return False


def _transport(entry: NodeEntry) -> Transport:
    if entry.websocket is not None:
        return WebSocket(entry.websocket.path, entry.websocket.host or _name_asked_for(entry))
    if entry.grpc is not None:
        return Grpc(entry.grpc.service_name)
    if entry.xhttp is not None:
        return Xhttp(entry.xhttp.path, entry.xhttp.host or _name_asked_for(entry), entry.xhttp.mode)
    return RAW


def _name_asked_for(entry: NodeEntry) -> str:
    """The Host header where none is given: apps differ in what they put there by themselves."""
    if entry.tls is not None:
        return entry.tls.server_name
    return "" if entry.reality is None else entry.reality.server_name


def _tls(name: str, entry: TlsEntry) -> Tls:
    if not entry.certificate:
        return Tls(entry.server_name)
    try:
        pin = pin_of(Path(entry.certificate), Path(entry.key), entry.server_name)
    except BadCertificate as error:
        raise ConfigError(f"nodes.{name}.tls: {error}") from None
    return Tls(entry.server_name, pinned_sha256=pin)


class _Keys(msgspec.Struct, frozen=True):
    public: str
    private: str
    short_id: str


def _reality(entry: NodeEntry, folder: Path, entropy_hex: str) -> Security:
    if entry.reality is None:
        return None
    if not is_ours(entry):
        return Reality(entry.reality.server_name, entry.reality.public_key, entry.reality.short_id)
    path = folder / "reality.json"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        pair = reality_keys()
        fresh = folder / "reality.json.new"
        fresh.touch(mode=0o600)
        fresh.write_bytes(msgspec.json.encode(_Keys(pair.public, pair.private, entropy_hex)))
        fresh.replace(path)
    keys = _read_keys(folder)
    return Reality(entry.reality.server_name, keys.public, keys.short_id)


def _read_keys(folder: Path) -> _Keys:
    return msgspec.json.decode((folder / "reality.json").read_bytes(), type=_Keys)
