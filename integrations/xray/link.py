"""Share links: what a customer pastes into a client app, and what `turnpike probe` is given.

The format is a convention among client apps, and some of them parse it badly: a key without a value crashes one,
an unescaped `=` cuts a value short in another. So every value is percent-encoded and no key is ever empty.
Reading is lenient about keys that we do not know and strict about values that we would use.
"""

import re
from typing import Final, TypeVar, assert_never, get_args
from urllib.parse import quote, unquote
from uuid import UUID

from integrations.xray.node import Node
from integrations.xray.profile import Profile, profile_of
from integrations.xray.transport import (
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

#: Name of the raw transport in links; apps that know the newer name still understand this one.
_RAW: Final = "tcp"

_Word = TypeVar("_Word", bound=str)

_MODES: Final[tuple[XhttpMode, ...]] = get_args(XhttpMode)

_ADDRESS: Final = re.compile(
    r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<name>[^\s:/?#\[\]@]+)):(?P<port>[0-9]{1,5})/?"
)


class BadLink(ValueError):
    """The text is not a link that we can use; the message is one sentence and never repeats the credential."""


def share_link(node: Node, uuid: UUID, label: str | None = None) -> str:
    """Write the link of one credential on one node; `label` is what the app shows, by default the node's own."""
    return write_link(profile_of(node, uuid, label))


def write_link(profile: Profile) -> str:
    """Write the link of a profile."""
    values = {
        "encryption": "none",
        **_transport_values(profile.transport),
        **_security_values(profile.security),
        "flow": profile.flow,
    }
    query = "&".join(f"{key}={_encoded(value)}" for key, value in values.items() if value)
    host = f"[{profile.host}]" if ":" in profile.host else profile.host
    fragment = f"#{_encoded(profile.label)}" if profile.label else ""
    return f"vless://{profile.uuid}@{host}:{profile.port}?{query}{fragment}"


def parse_link(text: str) -> Profile:
    """Read a share link. Raises `BadLink` with the part that is wrong and what was expected."""
    scheme, separator, rest = text.strip().partition("://")
    if scheme.lower() != "vless" or not separator:
        raise BadLink("this is not a VLESS link, expected it to begin with vless://")
    rest, _, fragment = rest.partition("#")
    rest, _, query = rest.partition("?")
    credential, _, address = rest.rpartition("@")
    host, port = _read_address(address)
    values = {key: unquote(value) for key, _, value in (pair.partition("=") for pair in query.split("&"))}
    _expect(values, "encryption", ("none",))
    transport, security = _read_transport(values), _read_security(values, host)
    flow = _expect(values, "flow", ("", VISION))
    uuid = _read_uuid(credential)
    if (reason := contradiction(transport, security, flow)) is not None:
        raise BadLink(f"the link contradicts itself: {reason}")
    return Profile(uuid, host, port, transport, security, flow, unquote(fragment))


def _transport_values(transport: Transport) -> dict[str, str]:
    match transport:
        case Raw():
            return {"type": _RAW}
        case WebSocket(path, host):
            return {"type": "ws", "path": path, "host": host}
        case Grpc(service_name):
            return {"type": "grpc", "serviceName": service_name, "mode": "gun"}
        case Xhttp(path, host, mode):
            return {"type": "xhttp", "path": path, "host": host, "mode": mode}
        case _:
            assert_never(transport)


def _security_values(security: Security) -> dict[str, str]:
    match security:
        case None:
            return {"security": "none"}
        case Tls(server_name, fingerprint, pinned_sha256):
            return {"security": "tls", "sni": server_name, "fp": fingerprint, "pcs": pinned_sha256}
        case Reality(server_name, public_key, short_id, fingerprint):
            return {
                "security": "reality",
                "sni": server_name,
                "fp": fingerprint,
                "pbk": public_key,
                "sid": short_id,
            }
        case _:
            assert_never(security)


def _encoded(value: str) -> str:
    return quote(value, safe="")


def _read_address(address: str) -> tuple[str, int]:
    match = _ADDRESS.fullmatch(address)
    if match is None or not 1 <= int(match["port"]) <= 65535:
        raise BadLink("the link has no address, expected host:port after the @")
    return match["ipv6"] or match["name"], int(match["port"])


def _read_uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise BadLink("the link has no valid UUID, expected one between vless:// and @") from None


def _read_transport(values: dict[str, str]) -> Transport:
    match _expect(values, "type", (_RAW, "raw", "ws", "grpc", "xhttp")):
        case "ws":
            return WebSocket(values.get("path") or "/", values.get("host", ""))
        case "grpc":
            _expect(values, "mode", ("gun",))
            return Grpc(_required(values, "serviceName", "type=grpc"))
        case "xhttp":
            mode = _expect(values, "mode", _MODES)
            return Xhttp(values.get("path") or "/", values.get("host", ""), mode)
        case _:
            _expect(values, "headerType", ("none",))
            return Raw()


def _read_security(values: dict[str, str], host: str) -> Security:
    fingerprint = values.get("fp") or "chrome"
    match _expect(values, "security", ("none", "tls", "reality")):
        case "tls":
            return Tls(values.get("sni") or host, fingerprint, values.get("pcs", ""))
        case "reality":
            server_name = _required(values, "sni", "security=reality")
            public_key = _required(values, "pbk", "security=reality")
            return Reality(server_name, public_key, values.get("sid", ""), fingerprint)
        case _:
            return None


def _required(values: dict[str, str], key: str, because: str) -> str:
    if not values.get(key):
        raise BadLink(f"the link says {because} but has no {key}, it was cut or made by a broken program")
    return values[key]


def _expect(values: dict[str, str], key: str, known: tuple[_Word, ...]) -> _Word:
    """Return the value of a key, the first known one if it is missing."""
    found = values.get(key) or known[0]
    for value in known:
        if value == found:
            return value
    raise BadLink(f"{key}={found!r} is not supported here, expected {' or '.join(map(repr, known))}")
