"""`gateway`: everything that speaks HTTP to the outside: subscription addresses, webhooks, health.

It decides nothing and holds nothing: pages are read from the database, webhooks become commands of the writer
and are answered 200 only after the commit.
"""

from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from actors.crypto_payment_watcher import finalize_invoice
from actors.environment import Environment
from actors.screens import Shop
from actors.subscriptions import Subscriptions
from actors.telegram import Inbox
from integrations.cryptopay.types import Invoice
from integrations.cryptopay.webhook import webhook_route as cryptopay_webhook
from integrations.http_server import serve
from integrations.telegram.webhook import webhook_route as telegram_webhook
from runtime import Actor, Context


class Gateway(Actor):
    """Serves HTTP on the address of the configuration."""

    def __init__(self, context: Context, environment: Environment, shop: Shop) -> None:
        super().__init__(context)
        self._environment = environment
        self._writer = context.ref("db_writer")
        self._subscriptions = Subscriptions(context, environment, shop)
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
            *self._subscriptions.routes(),
        ]
        if settings.telegram.updates == "webhook":
            routes.append(
                telegram_webhook(
                    "/webhooks/telegram", secret=secrets.webhook_secret, accept=self._inbox.accept
                )
            )
        if secrets.cryptopay_token is not None:
            routes.append(
                cryptopay_webhook(
                    "/webhooks/cryptopay",
                    token=secrets.cryptopay_token,
                    now=self.context.clock.now,
                    accept=self._paid,
                )
            )
        return routes

    async def _paid(self, invoice: Invoice) -> None:
        await finalize_invoice(self._writer, invoice)

    async def _health(self, _: Request) -> Response:
        return PlainTextResponse("ok\n")
