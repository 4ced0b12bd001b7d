"""Share links: what a customer pastes into a client app, and what `turnpike probe` is given.

The format is a convention among client apps, and some of them parse it badly: a key without a value crashes one,
an unescaped `=` cuts a value short in another. So every value is percent-encoded and no key is ever empty.
Reading is lenient about keys that we do not know and strict about values that we would use.
"""

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, unquote
from uuid import UUID

from integrations.xray.node import VISION, Config, Node, Reality

#: Name of the raw transport in links; apps that know the newer name still understand this one.
_RAW: Final = "tcp"

_ADDRESS: Final = re.compile(
    r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<name>[^\s:/?#\[\]@]+)):(?P<port>[0-9]{1,5})/?"
)


class BadLink(ValueError):
    """The text is not a link that we can use; the message is one sentence and never repeats the credential."""


@dataclass(frozen=True, slots=True)
class ParsedLink:
    """What a share link says."""

    uuid: UUID = field(repr=False)
    host: str
    port: int
    flow: str = ""
    reality: Reality | None = None
    label: str = ""


def share_link(node: Node, uuid: UUID, label: str | None = None) -> str:
    """Write the link of one credential on one node; `label` is what the app shows, by default the node's own."""
    values = {"encryption": "none", "type": _RAW, "security": node.security, "flow": node.flow}
    if node.reality is not None:
        values |= {
            "sni": node.reality.server_name,
            "fp": node.reality.fingerprint,
            "pbk": node.reality.public_key,
            "sid": node.reality.short_id,
        }
    query = "&".join(f"{key}={_encoded(value)}" for key, value in values.items() if value)
    label = node.label if label is None else label
    fragment = f"#{_encoded(label)}" if label else ""
    return f"vless://{uuid}@{_host_in_link(node.host)}:{node.port}?{query}{fragment}"


def parse_link(text: str) -> ParsedLink:
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
    _expect(values, "type", (_RAW, "raw"))
    security = _expect(values, "security", ("none", "reality"))
    flow = _expect(values, "flow", ("", VISION))
    reality = _read_reality(values) if security == "reality" else None
    return ParsedLink(_read_uuid(credential), host, port, flow, reality, unquote(fragment))


def client_config(link: ParsedLink, listen_port: int) -> Config:
    """Build the configuration of a client that serves the link as an HTTP proxy on this port of loopback."""
    user = {"id": str(link.uuid), "encryption": "none", "flow": link.flow}
    return {
        "log": {"loglevel": "info", "access": "none"},
        "inbounds": [{"tag": "proxy", "listen": "127.0.0.1", "port": listen_port, "protocol": "http"}],
        "outbounds": [
            {
                "tag": "node",
                "protocol": "vless",
                "settings": {"vnext": [{"address": link.host, "port": link.port, "users": [user]}]},
                "streamSettings": _client_transport(link.reality),
            }
        ],
    }


def _client_transport(reality: Reality | None) -> Config:
    if reality is None:
        return {"network": "raw"}
    settings: Config = {
        "serverName": reality.server_name,
        "fingerprint": reality.fingerprint,
        "password": reality.public_key,
        "shortId": reality.short_id,
        "spiderX": "/",
    }
    return {"network": "raw", "security": "reality", "realitySettings": settings}


def _encoded(value: str) -> str:
    return quote(value, safe="")


def _host_in_link(host: str) -> str:
    if ":" in host:
        return f"[{host}]"
    return host if host.isascii() else host.encode("idna").decode("ascii")


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


def _read_reality(values: dict[str, str]) -> Reality:
    for key in ("sni", "pbk"):
        if not values.get(key):
            raise BadLink(
                f"the link says security=reality but has no {key}, it was cut or made by a broken program"
            )
    return Reality(values["sni"], values["pbk"], values.get("sid", ""), values.get("fp") or "chrome")


def _expect(values: dict[str, str], key: str, known: tuple[str, ...]) -> str:
    """Return the value of a key, the first known one if it is missing."""
    value = values.get(key) or known[0]
    if value not in known:
        raise BadLink(f"{key}={value!r} is not supported here, expected {' or '.join(map(repr, known))}")
    return value
