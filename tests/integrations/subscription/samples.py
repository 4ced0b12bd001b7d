"""One shop with a node of every kind, and its customers: the subscriptions that golden files are made of."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from integrations.subscription import PageWords, Subscription, Traffic, Visitor
from integrations.xray.node import Node
from integrations.xray.profile import profile_of
from integrations.xray.transport import VISION, Grpc, Reality, Tls, WebSocket, Xhttp

USER: Final = UUID("6f9619ff-8b86-4011-b42d-00c04fc964ff")
KEY: Final = "jNXHt1yRo0vDuchQlIP6Z0ZvjT3KtzVI-T4E7RoLJS0"
PIN: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def node(name: str, **values: object) -> Node:
    """A node of the shop."""
    return Node(name=name, api_socket=Path(f"/run/{name}.sock"), **values)  # type: ignore[arg-type]


NODES: Final = (
    node(
        "nl",
        host="203.0.113.7",
        port=443,
        label="🇳🇱 Amsterdam",
        security=Reality("www.example.com", KEY, "0123456789abcdef"),
        flow=VISION,
    ),
    node("de", host="2001:db8::7", port=8443, label="Berlin", security=Tls("de.example.net"), flow=VISION),
    node(
        "cdn",
        host="cdn.example.net",
        port=443,
        label="Through a CDN",
        transport=WebSocket("/a=b&c?ed=2048", "ws.example.net"),
        security=Tls("cdn.example.net"),
    ),
    node(
        "fr",
        host="198.51.100.3",
        port=2053,
        label="Paris",
        transport=Grpc("news & weather"),
        security=Reality("www.example.org", KEY, ""),
    ),
    node(
        "pl",
        host="пример.example",
        port=443,
        label="Berlin",
        transport=Xhttp("/x", "xh.example.net", "packet-up"),
        security=Tls("xh.example.net"),
    ),
    node(
        "home",
        host="198.51.100.9",
        port=443,
        label="Own certificate",
        security=Tls("h.example", pinned_sha256=PIN),
    ),
)

ACTIVE: Final = Subscription(
    title="Türnpike VPN 🚀",
    address="https://vpn.example/s/0123456789abcdefABCDEF-_",
    profiles=tuple(profile_of(each, USER) for each in NODES),
    other_app="Take another app: this one knows none of these servers",
    expires_at=datetime(2026, 12, 1, 15, 0, tzinfo=UTC),
    traffic=Traffic(upload=1 << 20, download=3 << 30, limit=100 << 30),
    bot_url="https://t.me/turnpike_bot",
    support_url="https://t.me/turnpike_support",
)

EXPIRED: Final = replace(ACTIVE, profiles=(), notice="Expired: renew in @turnpike_bot")

WORDS: Final = PageWords(
    language="en",
    status="Active until 1 December 2026, 15:00 UTC",
    connect="Connect",
    connect_how="Get an app, then add your subscription to it. The app finds new servers by itself.",
    get="Get",
    add="Add",
    other_devices="Other apps and devices",
    another_device="Another device",
    scan="Scan this with a VPN app, or with the camera to open this page there.",
    scan_bot="Scan this to open the bot on your phone.",
    copy="Copy",
    copied="Copied",
    keys="Single keys",
    keys_how="For apps that take no subscription. They do not change by themselves when a server does.",
    renew="Open the bot",
    support="Support",
    open_app="Open",
    open_app_how="If nothing happens, get the app first, then press Open.",
)

EXPIRED_WORDS: Final = replace(WORDS, status="Ended on 1 December 2026, 15:00 UTC")

NOBODY: Final = Visitor()
