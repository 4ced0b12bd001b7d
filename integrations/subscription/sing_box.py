"""The subscription as sing-box reads it (1.12 or newer): a whole profile, with a tunnel for all of a device's traffic.

It knows no XHTTP, and pins keys where we pin certificates; connections that need either are left out.
"""

from typing import Any, Final

import msgspec

from integrations.subscription.content import Subscription, named, placeholder
from integrations.xray.profile import Profile
from integrations.xray.transport import Grpc, Reality, Security, Tls, Transport, WebSocket, Xhttp

_GROUP: Final = "VPN"
_AUTOMATIC: Final = "Auto"
_DIRECT: Final = "direct"

#: Asked through the tunnel, by a number so that nothing has to be asked before.
_NAME_SERVER: Final = "1.1.1.1"


def sing_box_json(subscription: Subscription) -> str:
    """Write the profile."""
    usable = [profile for profile in subscription.entries if _is_usable(profile)]
    entries = named(usable or [placeholder(subscription.other_app)], _GROUP, _AUTOMATIC, _DIRECT)
    names = [name for name, _ in entries]
    profile = {
        "log": {"level": "warn"},
        "dns": {
            "servers": [
                {"type": "https", "tag": "remote", "server": _NAME_SERVER, "detour": _GROUP},
                {"type": "local", "tag": "local"},
            ],
            "final": "remote",
        },
        "inbounds": [
            {
                "type": "tun",
                "tag": "tun",
                "address": ["172.19.0.1/30", "fdfe:dcba:9876::1/126"],
                "auto_route": True,
                "strict_route": True,
            }
        ],
        "outbounds": [
            {"type": "selector", "tag": _GROUP, "outbounds": [_AUTOMATIC, *names], "default": _AUTOMATIC},
            {"type": "urltest", "tag": _AUTOMATIC, "outbounds": names},
            *(_outbound(name, each) for name, each in entries),
            {"type": "direct", "tag": _DIRECT},
        ],
        "route": {
            "rules": [
                {"action": "sniff"},
                {"protocol": "dns", "action": "hijack-dns"},
                {"ip_is_private": True, "action": "route", "outbound": _DIRECT},
            ],
            "final": _GROUP,
            "auto_detect_interface": True,
            "default_domain_resolver": "local",
        },
    }
    return msgspec.json.format(msgspec.json.encode(profile), indent=2).decode()


def _is_usable(profile: Profile) -> bool:
    pinned = isinstance(profile.security, Tls) and profile.security.pinned_sha256 != ""
    return not pinned and not isinstance(profile.transport, Xhttp)


def _outbound(name: str, profile: Profile) -> dict[str, Any]:
    return {
        "type": "vless",
        "tag": name,
        "server": profile.host,
        "server_port": profile.port,
        "uuid": str(profile.uuid),
        "packet_encoding": "xudp",
        **({"flow": profile.flow} if profile.flow else {}),
        **_tls(profile.security),
        **_transport(profile.transport),
    }


def _tls(security: Security) -> dict[str, Any]:
    if security is None:
        return {}
    tls: dict[str, Any] = {
        "enabled": True,
        "server_name": security.server_name,
        "utls": {"enabled": True, "fingerprint": security.fingerprint},
    }
    if isinstance(security, Reality):
        tls["reality"] = {
            "enabled": True,
            "public_key": security.public_key,
            "short_id": security.short_id,
        }
    return {"tls": tls}


def _transport(transport: Transport) -> dict[str, Any]:
    match transport:
        case WebSocket(path, host):
            headers = {"headers": {"Host": host}} if host else {}
            return {"transport": {"type": "ws", "path": path, **headers}}
        case Grpc(service_name):
            return {"transport": {"type": "grpc", "service_name": service_name}}
        case _:
            return {}
