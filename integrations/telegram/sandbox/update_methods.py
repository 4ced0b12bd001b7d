"""`getUpdates` and the webhook methods."""

import ipaddress
import re
from typing import Final

from integrations.telegram.sandbox.errors import bad_request, conflict
from integrations.telegram.sandbox.parameters import Parameters
from integrations.telegram.sandbox.service import Service
from integrations.telegram.sandbox.webhook import WebhookSettings
from integrations.telegram.sandbox.wire import Update, WebhookInfo

LONGEST_POLL_SECONDS: Final = 50
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{0,256}")
_URL: Final = re.compile(r"(?P<scheme>https?)://(?P<host>\[[0-9a-fA-F:]+\]|[^/:?#\s]+)(:\d+)?(/\S*)?")


async def get_updates(service: Service, parameters: Parameters) -> list[Update]:
    """Long polling; 409 while a webhook is set or when another `getUpdates` takes over."""
    if service.webhook.settings().url:
        raise conflict(
            "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
        )
    _remember_allowed(service, parameters)
    return await service.updates.poll(
        offset=parameters.integer("offset", 0, -(1 << 31), (1 << 31) - 1),
        limit=parameters.integer("limit", 100, 1, 100),
        timeout=parameters.integer("timeout", 0, 0, LONGEST_POLL_SECONDS),
    )


def set_webhook(service: Service, parameters: Parameters) -> bool:
    """Deliver updates to an address; `http` is taken for loopback only, unlike on Telegram's server."""
    url = parameters.text("url")
    if not url:
        return delete_webhook(service, parameters)
    _check_url(url)
    secret = parameters.text("secret_token")
    if not _SECRET.fullmatch(secret):
        raise bad_request("secret token contains unallowed characters")
    _remember_allowed(service, parameters)
    if parameters.boolean("drop_pending_updates"):
        service.updates.drop_all()
    connections = parameters.integer("max_connections", 40, 1, 100)
    service.webhook.set(WebhookSettings(url=url, secret_token=secret, max_connections=connections))
    return True


def delete_webhook(service: Service, parameters: Parameters) -> bool:
    """Back to long polling."""
    if parameters.boolean("drop_pending_updates"):
        service.updates.drop_all()
    service.webhook.set(WebhookSettings())
    return True


def get_webhook_info(service: Service, _: Parameters) -> WebhookInfo:
    """The address, how many updates wait, and how the last failure read."""
    return service.webhook.info()


def _remember_allowed(service: Service, parameters: Parameters) -> None:
    kinds = parameters.json("allowed_updates", list[str], "can't parse allowed updates")
    if kinds is not None:
        service.updates.allow(kinds)


def _check_url(url: str) -> None:
    match = _URL.fullmatch(url)
    if match is None:
        raise bad_request("bad webhook: invalid URL specified")
    if match["scheme"] == "http" and not is_loopback(match["host"]):
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")


def is_loopback(host: str) -> bool:
    """Whether the host, without its port, can only be this machine."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
