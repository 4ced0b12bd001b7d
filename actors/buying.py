"""Buying, as the dispatcher does it: an order becomes a purchase, and an invoice where somebody else has to make one.

Telegram's own invoices are messages, which the sender sends; an invoice with an address is made by its provider before
the update is done, and a provider that cannot make one is told of, because who tapped a button waits.
"""

from collections.abc import Mapping
from typing import Final

from actors.environment import Environment
from actors.messages import Write
from actors.providers import open_providers
from domain.commands import AttachInvoice, PurchaseStarted, ReportUnavailable, Show, StartPurchase
from domain.entities import Provider
from domain.payload import make_payload
from domain.purchases import INVOICE_STANDS
from integrations.provider import Invoice, Order, PaymentProvider, Refused, TryLater
from integrations.telegram.updates import Tap
from runtime import Context

#: The button of a Stars subscription; every other is named after its provider.
MONTHLY: Final = "monthly"


class Buying:
    """Takes orders; opened by the actor that uses it."""

    def __init__(self, context: Context, environment: Environment) -> None:
        self._context = context
        self._environment = environment
        self._writer = context.ref("db_writer")
        self._providers: Mapping[Provider, PaymentProvider] = {}

    async def open(self) -> None:
        """Open the providers of the shop."""
        self._providers = await self._context.open(open_providers(self._environment))

    async def buy(self, update_id: int, tap: Tap, item: str, way: str) -> None:
        """Start a purchase of `item` by the `way` of a button, and have its invoice made."""
        monthly = way == MONTHLY
        name = Provider.STARS if monthly else way
        if name not in self._providers and name != Provider.BALANCE:
            await self._writer.call(Write(Show(update_id, tap.user, "plans", tap.message_id)))
            return
        command = StartPurchase(update_id, tap.user, item, Provider(name), tap.message_id, recurring=monthly)
        started = await self._writer.call(Write(command))
        if started is None or name == Provider.BALANCE:
            return
        provider = self._providers[Provider(name)]
        try:
            invoice = await provider.invoice(self._order(started, tap, monthly=monthly))
        except (Refused, TryLater) as error:
            self._context.log.warning("no invoice", purchase=started.purchase_id, error=str(error))
            await self._writer.call(Write(ReportUnavailable(update_id, started.purchase_id, tap.message_id)))
            return
        if invoice is not None:
            await self._attach(update_id, started, invoice, tap)

    def _order(self, started: PurchaseStarted, tap: Tap, *, monthly: bool) -> Order:
        return Order(
            price=started.price,
            title=started.title,
            description=f"{self._environment.configuration.settings.shop.name}: {started.title}",
            payload=make_payload(started.purchase_id, tap.user.id),
            payable_seconds=int(INVOICE_STANDS.total_seconds()),
            monthly=monthly,
        )

    async def _attach(self, update_id: int, started: PurchaseStarted, invoice: Invoice, tap: Tap) -> None:
        command = AttachInvoice(
            update_id, started.purchase_id, invoice.invoice_id, invoice.url, tap.message_id
        )
        await self._writer.call(Write(command))
