"""The subscription as mihomo (Clash Meta) reads it: proxies, a group to choose from, and everything through it."""

from typing import Any, Final, assert_never

import yaml

from integrations.subscription.content import Subscription, named
from integrations.subscription.xray_json import PRIVATE_NETWORKS
from integrations.xray.profile import Profile
from integrations.xray.transport import Grpc, Raw, Reality, Security, Tls, Transport, WebSocket, Xhttp

_GROUP: Final = "VPN"
_AUTOMATIC: Final = "Auto"

#: Names that are references here, or that mihomo gives a meaning of its own.
_TAKEN: Final = (_GROUP, _AUTOMATIC, "DIRECT", "REJECT", "REJECT-DROP", "PASS", "COMPATIBLE", "GLOBAL")

#: The address that mihomo's own documentation measures delays with.
_TEST_URL: Final = "https://www.gstatic.com/generate_204"
_TEST_SECONDS: Final = 300

#: Asked through the tunnel, by a number so that nothing has to be asked before.
_NAME_SERVER: Final = "https://1.1.1.1/dns-query"


class _Dumper(yaml.CSafeDumper):
    """Quotes every string: a short id such as 1e100000 would be a number to some parsers and not to others."""


_Dumper.add_representer(
    str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
)


def mihomo_yaml(subscription: Subscription) -> str:
    """Write the configuration."""
    entries = named(subscription.entries, *_TAKEN)
    names = [name for name, _ in entries]
    configuration = {
        "mixed-port": 7890,
        "mode": "rule",
        "log-level": "warning",
        "ipv6": True,
        "dns": {
            "enable": True,
            "ipv6": True,
            "enhanced-mode": "fake-ip",
            "default-nameserver": ["system"],
            "proxy-server-nameserver": ["system"],
            "nameserver": [f"{_NAME_SERVER}#{_GROUP}"],
        },
        "proxies": [_proxy(name, profile) for name, profile in entries],
        "proxy-groups": [
            {"name": _GROUP, "type": "select", "proxies": [_AUTOMATIC, *names]},
            {
                "name": _AUTOMATIC,
                "type": "url-test",
                "proxies": names,
                "url": _TEST_URL,
                "interval": _TEST_SECONDS,
            },
        ],
        "rules": [*(_at_home(network) for network in PRIVATE_NETWORKS), f"MATCH,{_GROUP}"],
    }
    return str(yaml.dump(configuration, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=1000))


def _at_home(network: str) -> str:
    kind = "IP-CIDR6" if ":" in network else "IP-CIDR"
    return f"{kind},{network},DIRECT,no-resolve"


def _proxy(name: str, profile: Profile) -> dict[str, Any]:
    return {
        "name": name,
        "type": "vless",
        "server": profile.host,
        "port": profile.port,
        "uuid": str(profile.uuid),
        "udp": True,
        "packet-encoding": "xudp",
        **({"flow": profile.flow} if profile.flow else {}),
        **_security(profile.security),
        **_transport(profile.transport),
    }


def _security(security: Security) -> dict[str, Any]:
    match security:
        case None:
            return {"tls": False}
        case Tls(server_name, fingerprint, pinned_sha256):
            pin = {"fingerprint": bytes.fromhex(pinned_sha256).hex(":").upper()} if pinned_sha256 else {}
            return {"tls": True, "servername": server_name, "client-fingerprint": fingerprint, **pin}
        case Reality(server_name, public_key, short_id, fingerprint):
            return {
                "tls": True,
                "servername": server_name,
                "client-fingerprint": fingerprint,
                "reality-opts": {
                    "public-key": public_key,
                    "short-id": short_id,
                    # Xray since 26.9.8 lets nobody in without it, and mihomo leaves it out unless told.
                    "support-x25519mlkem768": True,
                },
            }
        case _:
            assert_never(security)


def _transport(transport: Transport) -> dict[str, Any]:
    match transport:
        case Raw():
            return {"network": "tcp"}
        case WebSocket(path, host):
            headers = {"headers": {"Host": host}} if host else {}
            return {"network": "ws", "ws-opts": {"path": path, **headers}}
        case Grpc(service_name):
            return {"network": "grpc", "grpc-opts": {"grpc-service-name": service_name}}
        case Xhttp(path, host, mode):
            options = {"host": host} if host else {}
            if mode != "auto":
                options["mode"] = mode
            return {"network": "xhttp", "alpn": ["h2"], "xhttp-opts": {"path": path, **options}}
        case _:
            assert_never(transport)
