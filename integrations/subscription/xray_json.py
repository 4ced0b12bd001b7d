"""The subscription as Xray configurations: a list, one complete configuration for each connection."""

from typing import Final

import msgspec

from integrations.subscription.content import Subscription
from integrations.xray.profile import Profile, client_outbound
from integrations.xray.stream import Config

#: Ports of loopback that apps with an Xray inside expect.
_SOCKS_PORT: Final = 10808
_HTTP_PORT: Final = 10809

#: Stays at home: what only the customer's own network can answer.
PRIVATE_NETWORKS: Final = (
    "10.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
)


def xray_json(subscription: Subscription) -> str:
    """Write the list."""
    configurations = [_configuration(profile) for profile in subscription.entries]
    return msgspec.json.format(msgspec.json.encode(configurations), indent=2).decode()


def _configuration(profile: Profile) -> Config:
    sniffing = {"enabled": True, "destOverride": ["http", "tls", "quic"]}
    return {
        "remarks": profile.label or profile.host,
        "log": {"loglevel": "warning"},
        "inbounds": [
            {
                "tag": "socks",
                "listen": "127.0.0.1",
                "port": _SOCKS_PORT,
                "protocol": "socks",
                "settings": {"udp": True},
                "sniffing": sniffing,
            },
            {
                "tag": "http",
                "listen": "127.0.0.1",
                "port": _HTTP_PORT,
                "protocol": "http",
                "sniffing": sniffing,
            },
        ],
        "outbounds": [
            {"tag": "proxy", **client_outbound(profile)},
            {"tag": "direct", "protocol": "freedom"},
        ],
        "routing": {
            "domainStrategy": "AsIs",
            "rules": [{"ip": list(PRIVATE_NETWORKS), "outboundTag": "direct"}],
        },
    }
