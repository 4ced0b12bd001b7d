"""`gateway`: everything that speaks HTTP to the outside: subscription addresses, webhooks, health.

It decides nothing and holds nothing: pages are read from the database, webhooks become commands of the writer
and are answered 200 only after the commit.
"""

import re
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final
from urllib.parse import quote
from uuid import UUID

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from actors.crypto_payment_watcher import finalize_invoice
from actors.environment import Environment
from actors.screens import Shop, links_of
from actors.telegram import Inbox
from integrations.cryptopay.types import Invoice
from integrations.cryptopay.webhook import webhook_route as cryptopay_webhook
from integrations.http_server import serve
from integrations.telegram.webhook import webhook_route as telegram_webhook
from runtime import Actor, Context

#: Hours between two looks of a client app at its subscription address.
_UPDATE_HOURS: Final = 12

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")

_HOLDER: Final = """
    SELECT uuid, status, expires_at FROM subscriptions WHERE token = %s
"""


@dataclass(frozen=True, slots=True)
class Holder:
    """What a subscription address stands for."""

    uuid: UUID
    status: str
    expires_at: datetime


class Gateway(Actor):
    """Serves HTTP on the address of the configuration."""

    def __init__(self, context: Context, environment: Environment, shop: Shop) -> None:
        super().__init__(context)
        self._environment = environment
        self._readers = environment.readers
        self._writer = context.ref("db_writer")
        self._shop = shop
        self._inbox = Inbox(context)

    async def started(self) -> None:
        """Listen; raises `PortInUse` with one sentence."""
        gateway = self._environment.configuration.settings.gateway
        app = Starlette(routes=self._routes())
        await self.context.nursery.start(
            partial(serve, app, host=gateway.host, port=gateway.port, name="the gateway")
        )

    def _routes(self) -> list[Route]:
        settings, secrets = self._environment.configuration.settings, self._environment.secrets
        routes = [
            Route("/health", self._health),
            Route("/s/{token}", self._subscription),
        ]
        if settings.telegram.updates == "webhook":
            routes.append(
                telegram_webhook(
                    "/webhooks/telegram", secret=secrets.webhook_secret, accept=self._inbox.accept
                )
            )
        if secrets.cryptopay_token is not None:
            routes.append(
                cryptopay_webhook("/webhooks/cryptopay", token=secrets.cryptopay_token, accept=self._paid)
            )
        return routes

    async def _paid(self, invoice: Invoice) -> None:
        await finalize_invoice(self._writer, invoice)

    async def _health(self, _: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def _subscription(self, request: Request) -> Response:
        """The links of a subscription in the form that every client app reads (base64, one a line)."""
        token = request.path_params["token"]
        if not _TOKEN.fullmatch(token):
            return PlainTextResponse("There is nothing at this address.\n", status_code=404)
        holder = await self._readers.fetch_one(Holder, _HOLDER, (token,), reader=self.context.name)
        if holder is None:
            return PlainTextResponse("There is nothing at this address.\n", status_code=404)
        if holder.status == "active" and holder.expires_at > self.context.clock.now():
            links = links_of(holder.uuid, self._shop)
        else:
            links = [self._placeholder()]
        body = b64encode("\n".join(links).encode()).decode()
        title = b64encode(self._shop.name.encode()).decode()
        headers = {
            "cache-control": "no-store",
            "profile-title": f"base64:{title}",
            "profile-update-interval": str(_UPDATE_HOURS),
            "subscription-userinfo": f"upload=0; download=0; total=0; expire={int(holder.expires_at.timestamp())}",
        }
        return PlainTextResponse(body, headers=headers)

    def _placeholder(self) -> str:
        """An entry that no app can connect with, whose name says why: an empty list shows as an error."""
        username = self._environment.bot_username
        name = quote(f"Expired: renew in {f'@{username}' if username else 'the bot'}")
        return f"vless://{UUID(int=0)}@127.0.0.1:1?encryption=none&type=tcp&security=none#{name}"
