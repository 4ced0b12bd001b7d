"""What a client app needs for one connection: a credential, where to go with it, and how.

Every form in which a customer gets access (a share link, the configuration of an app) is written from a `Profile`,
so that they cannot differ in what they say.
"""

from dataclasses import dataclass, field
from uuid import UUID

from integrations.xray.node import Node
from integrations.xray.stream import Config, client_stream
from integrations.xray.transport import RAW, Security, Transport


@dataclass(frozen=True, slots=True)
class Profile:
    """One credential on one node."""

    uuid: UUID = field(repr=False)
    #: A host name in ASCII or an IP address, IPv6 without brackets.
    host: str
    port: int
    transport: Transport = RAW
    security: Security = None
    flow: str = ""
    #: What the app shows as the name of the connection.
    label: str = ""


def profile_of(node: Node, uuid: UUID, label: str | None = None) -> Profile:
    """The profile of a credential on a node; the label is the node's own unless given."""
    host = node.host if node.host.isascii() else node.host.encode("idna").decode("ascii")
    label = node.label if label is None else label
    return Profile(uuid, host, node.port, node.transport, node.security, node.flow, label)


def client_outbound(profile: Profile) -> Config:
    """The outbound of an Xray that connects with this profile; it has no tag yet."""
    user = {"id": str(profile.uuid), "encryption": "none", "flow": profile.flow}
    return {
        "protocol": "vless",
        "settings": {"vnext": [{"address": profile.host, "port": profile.port, "users": [user]}]},
        "streamSettings": client_stream(profile.transport, profile.security),
    }


def client_config(profile: Profile, listen_port: int) -> Config:
    """The configuration of a client that serves the profile as an HTTP proxy on this port of loopback."""
    return {
        "log": {"loglevel": "info", "access": "none"},
        "inbounds": [{"tag": "proxy", "listen": "127.0.0.1", "port": listen_port, "protocol": "http"}],
        "outbounds": [{"tag": "node", **client_outbound(profile)}],
    }
