"""`gateway`: everything that speaks HTTP to the outside: subscription addresses, webhooks, health.

It decides nothing and holds nothing: pages are read from the database, webhooks become commands of the writer
and are answered 200 only after the commit.
"""

from collections.abc import Mapping
from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from actors.environment import Environment
from actors.providers import open_providers, record
from actors.screens import Shop
from actors.subscriptions import Subscriptions
from actors.telegram import Inbox
from domain.entities import Provider
from integrations.http_server import serve
from integrations.provider import PaymentProvider
from integrations.telegram.webhook import webhook_route
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
        providers = await self.context.open(open_providers(self._environment))
        app = Starlette(routes=self._routes(providers))
        await self.context.nursery.start(
            partial(serve, app, host=gateway.host, port=gateway.port, name="the gateway")
        )

    def _routes(self, providers: Mapping[Provider, PaymentProvider]) -> list[Route]:
        settings, secrets = self._environment.configuration.settings, self._environment.secrets
        routes = [
            Route("/health", self._health),
            *self._subscriptions.routes(),
        ]
        if settings.telegram.updates == "webhook":
            routes.append(
                webhook_route("/webhooks/telegram", secret=secrets.webhook_secret, accept=self._inbox.accept)
            )
        for name, provider in providers.items():
            accept = partial(record, self._writer, name)
            route = provider.webhook(f"/webhooks/{name}", self.context.clock.now, accept)
            routes += [] if route is None else [route]
        return routes

    async def _health(self, _: Request) -> Response:
        return PlainTextResponse("ok\n")
